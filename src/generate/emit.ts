import type { Case, Choice, Member, Node, ObjectNode, Part, Type } from './graph.js';
import type { Names } from './naming.js';
import type { Note } from './versions.js';

const width = 120;

/** What the types are written with. */
export const helpers: Readonly<Record<string, string>> = {
  Empty:
    '/** An object without members: what a command returns that has nothing to say. */\nexport type Empty = Record<string, never>;',
  Integer: '/** A whole number as an argument; a `bigint` is sent exactly. */\nexport type Integer = number | bigint;',
  Literal:
    '/** Nothing has this type. Where the compiler says that `string` is not assignable to it, write one of the two after the object. */\nexport interface Literal<Write extends string, OrWrite extends string> {\n  readonly write: Write & OrWrite & never;\n}',
  Literally:
    '/** For the compiler to name the way out where the tag of a union is any string. */\nexport type Literally<Tag extends string, Write extends string, OrWrite extends string> = {\n  readonly [Member in Tag]: Literal<Write, OrWrite>;\n} & { readonly [member: string]: unknown };',
  Open: '/** A value of an enum, or one that only another QEMU knows. */\nexport type Open<E extends string> = E | (string & {});',
};

/** All named types as TypeScript, in alphabetical order. */
export function emitTypes(names: Names): string[] {
  const named = [...names.of].map(([node, name]): [string, string] => [name, emitNode(node, name, names)]);
  const aliases = [...names.aliases].map(([name, node]): [string, string] => [
    name,
    `export type ${name} = ${nameOf(node, names)};`,
  ]);
  return [...named, ...aliases].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
}

/** One place's type, as it is written there. */
export function emitType(type: Type, names: Names, prefix = ''): string {
  return type.map((part) => emitPart(part, names, prefix)).join(' | ');
}

/** A comment for a name's note and where to read more, or nothing. */
export function emitNote(note: Note, indent = '', see?: string): string {
  const words = [
    ...(note.when === undefined ? [] : [`${note.when}.`]),
    ...(note.unstable ? ['Unstable: QEMU may change or drop it.'] : []),
  ];
  const tags = [...(note.deprecated ? ['@deprecated'] : []), ...(see === undefined ? [] : [`@see ${see}`])];
  if (tags.length < 2 && (see === undefined || words.length === 0)) {
    const all = [...words, ...tags];
    return all.length === 0 ? '' : `${indent}/** ${all.join(' ')} */\n`;
  }
  const lines = [...(words.length === 0 ? [] : [words.join(' '), '']), ...tags];
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd() + '\n').join('')}${indent} */\n`;
}

/** A property's name, quoted where it has to be. */
export function emitKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

/** Names hold no character that would need escaping: {@link Fields.name}. */
function quote(text: string): string {
  return `'${text}'`;
}

function emitNode(node: Node, name: string, names: Names): string {
  switch (node.kind) {
    case 'enum': {
      const values = node.values.map((value) => quote(value.name));
      return emitNotes(node.values) + emitUnion(`export type ${name} =`, values);
    }
    case 'alternate':
      return emitUnion(
        `export type ${name} =`,
        node.options.map((part) => emitPart(part, names)),
      );
    case 'object':
      if (node.choices.length === 0) return `export interface ${name} {\n${emitMembers(node, names)}}`;
      return emitNotes(node.choices.flatMap(({ cases }) => cases)) + emitChoices(node, name, names);
  }
}

function emitMembers(node: ObjectNode, names: Names): string {
  const lines = node.members.map((member) => emitMember(member, names));
  return lines.join('') + (node.openEnded ? '  readonly [property: string]: unknown;\n' : '');
}

function emitMember({ name, optional, type, note }: Member, names: Names): string {
  const types = emitType(type, names);
  // An `undefined` member is not sent, so it may be given: also with TypeScript's `exactOptionalPropertyTypes`.
  const value = optional && types !== 'unknown' ? `${types} | undefined` : types;
  return `${emitNote(note, '  ')}  readonly ${emitKey(name)}${optional ? '?' : ''}: ${value};\n`;
}

function emitChoices(node: ObjectNode, name: string, names: Names): string {
  const arms = node.choices.map((choice) => emitArms(choice, name, names));
  const only = arms[0] ?? [];
  if (node.members.length === 0 && arms.length === 1) return emitUnion(`export type ${name} =`, only);
  const groups = arms.map((arm) => (arm.length === 1 ? arm.join('') : `(\n${arm.map(emitArm).join('\n')}\n)`));
  const members = node.members.length === 0 ? [] : [`{\n${emitMembers(node, names)}}`];
  return `export type ${name} = ${[...members, ...groups].join(' & ')};`;
}

/** The cases of a discriminated union; those with the same members share an arm. */
function emitArms({ tag, optional, sent, cases }: Choice, name: string, names: Names): string[] {
  const byRest = new Map<string, Case[]>();
  for (const each of cases) {
    const type = each.node === undefined ? '' : nameOf(each.node, names);
    const rest = each.optional && type !== '' ? `Partial<${type}>` : type;
    byRest.set(rest, [...(byRest.get(rest) ?? []), each]);
  }
  const arms = [...byRest].map(([rest, same]) => {
    const literal = `{ readonly ${emitKey(tag)}: ${same.map(({ value }) => quote(value)).join(' | ')} }`;
    return rest === '' ? literal : `(${literal} & ${rest})`;
  });
  if (optional) arms.push(`{ readonly ${emitKey(tag)}?: undefined }`);
  // The compiler compares an object whose tag is any string with the arm that has most of its members, or else the last.
  if (sent && arms.length > 1) arms.push(`Literally<'${tag}', 'as const', 'satisfies Qapi.${name}'>`);
  return arms;
}

/** The notes of values and cases, gathered above the type: `Since QEMU 10.0 (not in 7.2): 'a', 'b'.` */
function emitNotes(
  values: readonly { readonly name?: string; readonly value?: string; readonly note: Note }[],
): string {
  const groups = new Map<string, string[]>();
  for (const { name, value, note } of values) {
    const words = [note.when, note.deprecated ? 'Deprecated' : undefined, note.unstable ? 'Unstable' : undefined];
    for (const word of words) {
      if (word !== undefined) groups.set(word, [...(groups.get(word) ?? []), quote(name ?? value ?? '')]);
    }
  }
  const lines = [...groups].map(([word, list]) => `${word}: ${list.join(', ')}.`);
  if (lines.length === 0) return '';
  return lines.length === 1 && lines.join('').length < width
    ? `/** ${lines.join('')} */\n`
    : `/**\n${lines.map((line) => ` * ${line}\n`).join('')} */\n`;
}

function emitUnion(start: string, parts: readonly string[]): string {
  const line = `${start} ${parts.join(' | ')};`;
  return line.length <= width ? line : `${start}\n${parts.map(emitArm).join('\n')};`;
}

function emitPart(part: Part, names: Names, prefix = ''): string {
  switch (part.kind) {
    case 'plain':
      return part.name in helpers ? prefix + part.name : part.name;
    case 'array': {
      const element = emitType(part.of, names, prefix);
      return `readonly ${part.of.length > 1 ? `(${element})` : element}[]`;
    }
    case 'node': {
      const name = prefix + nameOf(part.node, names);
      return part.open ? `${prefix}Open<${name}>` : name;
    }
  }
}

function nameOf(node: Node, names: Names): string {
  const name = names.of.get(node);
  if (name === undefined) throw new Error('a type without a name');
  return name;
}

/** One part of a union on its own line, or on several if it is long. */
function emitArm(arm: string): string {
  const lines = [''];
  for (const word of `  | ${arm}`.split(/(?<=.{4,}) (?=\| )/)) {
    const last = lines.pop() ?? '';
    if (last !== '' && `${last} ${word}`.length > width) lines.push(last, `      ${word}`);
    else lines.push(last === '' ? word : `${last} ${word}`);
  }
  return lines.join('\n');
}
