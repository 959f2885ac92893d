import type { Note } from './versions.js';

/** The types of one or several versions, merged: what is written is read from here. */
export interface Graph {
  /** Oldest first. */
  readonly versions: readonly string[];
  readonly events: readonly EventNode[];
  readonly commands: readonly CommandNode[];
}

export interface EventNode {
  readonly name: string;
  /** `undefined` where there is none; beside others: not in every version. */
  readonly data: Type;
  readonly note: Note;
}

export interface CommandNode {
  readonly name: string;
  /** As with `data`. */
  readonly arguments: Type;
  readonly result: Type;
  readonly oob: boolean;
  readonly note: Note;
}

/** A union; one part is the common case. */
export type Type = readonly Part[];

export type Part =
  | { readonly kind: 'plain'; readonly name: PlainName }
  | { readonly kind: 'array'; readonly of: Type }
  | { readonly kind: 'node'; readonly node: Node; readonly open: boolean };

export type PlainName = 'undefined' | 'Empty' | 'Integer' | 'boolean' | 'number' | 'string' | 'unknown' | 'null';

/** What gets a name of its own. Nodes are filled after they are made, since types refer to themselves. */
export type Node = EnumNode | ObjectNode | AlternateNode;

export interface EnumNode {
  readonly kind: 'enum';
  values: readonly { readonly name: string; readonly note: Note }[];
}

export interface AlternateNode {
  readonly kind: 'alternate';
  options: Type;
}

export interface ObjectNode {
  readonly kind: 'object';
  members: readonly Member[];
  /** Empty for a plain object, one for a discriminated union. */
  choices: readonly Choice[];
  /** Takes members that introspection does not list. */
  readonly openEnded: boolean;
}

export interface Member {
  readonly name: string;
  readonly optional: boolean;
  readonly type: Type;
  readonly note: Note;
}

export interface Choice {
  readonly tag: string;
  /** Some version has the object without this tag. */
  readonly optional: boolean;
  /** It is sent, so that a program may have written it as a plain object. */
  readonly sent: boolean;
  readonly cases: readonly Case[];
}

export interface Case {
  readonly value: string;
  /** The members of this case alone, if it has any. */
  readonly node: ObjectNode | undefined;
  /** Some version has the case without those members. */
  readonly optional: boolean;
  readonly note: Note;
}

/** The nodes a node refers to, in the order they are written, each with the word that leads to it. */
export function* referencesOf(node: Node): Generator<{ readonly word: string; readonly node: Node }> {
  if (node.kind === 'enum') return;
  if (node.kind === 'alternate') {
    for (const option of nodesIn(node.options)) {
      yield { word: option.kind === 'enum' ? 'value' : 'options', node: option };
    }
    return;
  }
  for (const { name, type } of node.members) for (const found of nodesIn(type)) yield { word: name, node: found };
  for (const { cases } of node.choices) {
    for (const { value, node: found } of cases) if (found !== undefined) yield { word: value, node: found };
  }
}

/** The nodes a type is made of; arrays are looked through. */
export function nodesIn(type: Type): Node[] {
  return type.flatMap((part) => (part.kind === 'array' ? nodesIn(part.of) : part.kind === 'node' ? [part.node] : []));
}
