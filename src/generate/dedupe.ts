import type { Graph, Node, Part, Type } from './graph.js';
import { nodesIn } from './graph.js';
import { reachable, type Pins } from './naming.js';

/**
 * Types equal in structure, notes included, become one node, cycles too: nodes start in one class and are parted by what
 * they look like until no class parts any more. Two that have different names for certain stay two.
 */
export function dedupe(graph: Graph, pins: Pins): Graph {
  const types = [...graph.events.map(({ data }) => data), ...graph.commands.flatMap((it) => [it.arguments, it.result])];
  const nodes = [...reachable(types.flatMap(nodesIn))];
  const one = representatives(nodes, pins);
  for (const node of nodes) redirect(node, one);
  return {
    versions: graph.versions,
    events: graph.events.map((event) => ({ ...event, data: redirectType(event.data, one) })),
    commands: graph.commands.map((command) => ({
      ...command,
      arguments: redirectType(command.arguments, one),
      result: redirectType(command.result, one),
    })),
  };
}

type One = <T extends Node>(node: T) => T;

/** Which node stands for which. A node without a name joins the one that has a given name, if there is one such. */
function representatives(nodes: readonly Node[], pins: Pins): One {
  const classes = partition(nodes);
  const given = new Map<number | undefined, Set<string>>();
  for (const node of nodes) {
    const name = pins.given.get(node);
    if (name !== undefined) given.set(classes.get(node), (given.get(classes.get(node)) ?? new Set()).add(name));
  }
  const groupOf = (node: Node): string => {
    const others = [...(given.get(classes.get(node)) ?? [])];
    const name = pins.given.get(node) ?? pins.roots.get(node) ?? (others.length === 1 ? others.join('') : '');
    return `${classes.get(node) ?? ''} ${name}`;
  };
  const first = new Map<string, Node>();
  // Those with names go first, so that the names are found again.
  const hasName = (node: Node): boolean => pins.given.has(node) || pins.roots.has(node);
  for (const node of [...nodes.filter(hasName), ...nodes]) {
    if (!first.has(groupOf(node))) first.set(groupOf(node), node);
  }
  return <T extends Node>(node: T): T => (first.get(groupOf(node)) ?? node) as T;
}

function partition(nodes: readonly Node[]): Map<Node, number> {
  let classes = new Map(nodes.map((node) => [node, 0]));
  for (let count = 0; ;) {
    classes = classify(nodes, classes);
    const size = new Set(classes.values()).size;
    if (size === count) return classes;
    count = size;
  }
}

function classify(nodes: readonly Node[], classes: ReadonlyMap<Node, number>): Map<Node, number> {
  const numbers = new Map<string, number>();
  return new Map(
    nodes.map((node) => {
      const own = JSON.stringify(node, (key, value: unknown) => {
        return key === 'node' && typeof value === 'object' ? classes.get(value as Node) : value;
      });
      const look = `${classes.get(node) ?? ''} ${own}`;
      const known = numbers.get(look) ?? numbers.size;
      numbers.set(look, known);
      return [node, known];
    }),
  );
}

function redirect(node: Node, one: One): void {
  if (node.kind === 'alternate') node.options = redirectType(node.options, one);
  if (node.kind !== 'object') return;
  node.members = node.members.map((member) => ({ ...member, type: redirectType(member.type, one) }));
  node.choices = node.choices.map((choice) => ({
    ...choice,
    cases: choice.cases.map((each) => ({ ...each, node: each.node && one(each.node) })),
  }));
}

function redirectType(type: Type, one: One): Type {
  return type.map((part): Part => {
    if (part.kind === 'node') return { ...part, node: one(part.node) };
    return part.kind === 'array' ? { ...part, of: redirectType(part.of, one) } : part;
  });
}
