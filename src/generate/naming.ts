import type { Graph, Node, Type } from './graph.js';
import { nodesIn, referencesOf } from './graph.js';

/** Names that are certain before the types are compared: two types with different ones stay two. */
export interface Pins {
  /** From the table of given names. */
  readonly given: ReadonlyMap<Node, string>;
  /** The data of events and the arguments of commands. */
  readonly roots: ReadonlyMap<Node, string>;
}

/** The names of the types that are written, and the further names of those that several events or commands share. */
export interface Names {
  readonly of: ReadonlyMap<Node, string>;
  readonly aliases: ReadonlyMap<string, Node>;
}

/** `JOB_STATUS_CHANGE` and `job-status-change` both give `JobStatusChange`. */
export function pascalCase(name: string): string {
  const joined = name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => (/^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word))
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
  return /^[A-Za-z]/.test(joined) ? joined : `_${joined}`;
}

/** Names types by the places of `given`, such as `query-block.result.inserted`, and the rest of the roots after themselves. */
export function pinNames(graph: Graph, given: Readonly<Record<string, string>>): Pins {
  const places = rootsOf(graph);
  const byHand = new Map<Node, string>();
  for (const [place, name] of Object.entries(given)) {
    for (const node of nodesAt(places, place)) if (!byHand.has(node)) byHand.set(node, name);
  }
  const roots = new Map<Node, string>();
  for (const { ownName, nodes } of places) {
    for (const node of nodes) {
      if (ownName !== undefined && !byHand.has(node) && !roots.has(node)) roots.set(node, ownName);
    }
  }
  return { given: byHand, roots };
}

/**
 * Introspection masks the names of types, so the types without a pin are named after their first use: the shortest way from
 * a name that is certain, and the first in the alphabet among equals.
 */
export function nameTypes(graph: Graph, pins: Pins, reserved: readonly string[]): Names {
  const names = new Map<Node, string>();
  const aliases = new Map<string, Node>();
  const taken = new Set(reserved);
  const give = (node: Node, wanted: string): void => {
    if (names.has(node)) return;
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted}${count}`;
    taken.add(name);
    names.set(node, name);
  };

  const places = rootsOf(graph);
  const used = reachable(places.flatMap(({ nodes }) => nodes));
  for (const [node, name] of [...pins.given, ...pins.roots]) if (used.has(node)) give(node, name);
  for (const { nodes, ownName, wayName } of places) {
    for (const node of nodes) {
      give(node, wayName);
      if (ownName !== undefined && !taken.has(ownName)) aliases.set(ownName, node);
    }
  }
  for (const name of aliases.keys()) taken.add(name);
  // A map hands out what is added while it is walked, so this goes breadth first.
  for (const [node, name] of names) {
    for (const { word, node: next } of referencesOf(node)) give(next, name + pascalCase(word).replace(/^_/, ''));
  }
  return { of: names, aliases };
}

/** These nodes and all that they refer to, breadth first. */
export function reachable(nodes: readonly Node[]): Set<Node> {
  const found = new Set(nodes);
  for (const node of found) for (const { node: next } of referencesOf(node)) found.add(next);
  return found;
}

interface Root {
  readonly place: string;
  readonly nodes: readonly Node[];
  /** The name that the type has in any case, as an alias if need be. */
  readonly ownName: string | undefined;
  readonly wayName: string;
}

function rootsOf({ events, commands }: Graph): Root[] {
  const root = (place: string, wayName: string, type: Type, isOwn: boolean): Root => {
    return { place, nodes: nodesIn(type), ownName: isOwn ? wayName : undefined, wayName };
  };
  return [
    ...events.map(({ name, data }) => root(name, `${pascalCase(name)}Event`, data, true)),
    ...commands.map((it) => root(`${it.name}.arguments`, `${pascalCase(it.name)}Arguments`, it.arguments, true)),
    ...commands.map((it) => root(`${it.name}.result`, `${pascalCase(it.name)}Result`, it.result, false)),
  ];
}

/** The nodes at a place, lists looked through; none if there is no such place. */
function nodesAt(roots: readonly Root[], place: string): Node[] {
  const root = roots.find((each) => place === each.place || place.startsWith(`${each.place}.`));
  const words = place
    .slice((root?.place.length ?? 0) + 1)
    .split('.')
    .filter((word) => word !== '');
  return words.reduce<Node[]>(
    (nodes, word) =>
      nodes.flatMap((node) => [...referencesOf(node)].flatMap((found) => (found.word === word ? [found.node] : []))),
    [...(root?.nodes ?? [])],
  );
}
