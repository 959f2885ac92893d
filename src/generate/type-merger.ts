import { keyOf, type Row } from './correspondence.js';
import type { AlternateNode, Case, Choice, EnumNode, Member, Node, ObjectNode, Part, Type } from './graph.js';
import { plainPart, type Direction } from './plain.js';
import type { Schema } from './schema.js';
import { TypeTable, type Entries, type Kind } from './type-table.js';
import { noteOf, type Note, type Presence } from './versions.js';

/** Makes one node of the types that correspond in several versions, and the same node again for the same types. */
export class TypeMerger {
  readonly #table: TypeTable;
  readonly #labels: readonly string[];
  readonly #complete: (row: Row) => Row;
  readonly #nodes = new Map<string, Node>();

  constructor(schemas: readonly Schema[], labels: readonly string[], complete: (row: Row) => Row) {
    this.#table = new TypeTable(schemas);
    this.#labels = labels;
    this.#complete = complete;
  }

  /** The data of an event or the arguments of a command: `undefined` stands for an object without members. */
  root(row: Row, direction: Direction, openEnded = false): Type {
    const filled = row.map((type, version) => (this.#table.isEmpty(type, version) ? undefined : type));
    const node = filled.some((type) => type !== undefined) ? [this.#object(filled, direction, openEnded)] : [];
    const lacksData = row.some((type, version) => type !== undefined && filled[version] === undefined);
    return lacksData ? [...node, { kind: 'plain', name: 'undefined' }] : node;
  }

  /** The type of one place, given the types that each version has there. Kinds that differ are united. */
  type(places: readonly (readonly string[])[], direction: Direction): Type {
    const rows = (kind: Kind): Row[] => this.#table.rows(places, kind);
    const plain = rows('builtin').flatMap((row) => this.#table.entries(row, 'builtin').flatMap((entry) => entry ?? []));
    const parts: Part[] = [
      ...rows('enum').map((row): Part => ({ kind: 'node', node: this.#enum(row), open: direction !== 'sent' })),
      ...rows('object').map((row) => this.#object(row, direction, false)),
      ...rows('alternate').map((row): Part => ({ kind: 'node', node: this.#alternate(row, direction), open: false })),
      ...rows('array').map((row): Part => {
        const elements = this.#table.entries(row, 'array').map((entry) => (entry === undefined ? [] : [entry.element]));
        return { kind: 'array', of: this.type(elements, direction) };
      }),
      ...plain.map(({ json }) => plainPart(json, direction)),
    ];
    const names = parts.map((part) => (part.kind === 'plain' ? part.name : undefined));
    return parts.filter((_, index) => names[index] === undefined || names.indexOf(names[index]) === index);
  }

  #object(row: Row, direction: Direction, openEnded: boolean): Part {
    if (row.every((type, version) => type === undefined || this.#table.isEmpty(type, version))) {
      return { kind: 'plain', name: 'Empty' };
    }
    const completed = this.#complete(row);
    const key = `${direction} ${openEnded ? 'open ' : ''}${keyOf(completed)}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return { kind: 'node', node: known, open: false };
    const entries = this.#table.entries(completed, 'object');
    const tags = new Set(entries.flatMap((entry) => entry?.tag ?? []));
    const node: ObjectNode = { kind: 'object', members: [], choices: [], openEnded: openEnded && tags.size === 0 };
    this.#nodes.set(key, node);
    node.choices = [...tags].map((tag) => this.#choice(tag, entries, direction));
    node.members = keysOf(entries.map((entry) => entry?.members))
      .filter((name) => !tags.has(name))
      .map((name) => this.#member(name, entries, direction));
    return { kind: 'node', node, open: false };
  }

  #member(name: string, entries: Entries<'object'>, direction: Direction): Member {
    const found = entries.map((entry) => entry?.members.get(name));
    // A version may have it in some variants only: it is there, then, but not always.
    const present = entries.map((entry, version) => {
      const variants = [...(entry?.variants.values() ?? [])].map((type) => this.#table.object(type, version));
      return found[version]?.features ?? variants.flatMap((variant) => variant?.members.get(name) ?? [])[0]?.features;
    });
    return {
      name,
      optional: entries.some((entry, version) => entry !== undefined && found[version]?.optional !== false),
      type: this.type(
        found.map((member) => (member === undefined ? [] : [member.type])),
        direction,
      ),
      note: this.#note(entries, present),
    };
  }

  #choice(tag: string, entries: Entries<'object'>, direction: Direction): Choice {
    const members = entries.map((entry) => entry?.members.get(tag));
    const enums = this.#table.entries(
      members.map((member) => member?.type),
      'enum',
    );
    const cases = keysOf(enums.map((entry) => entry?.values)).map((value): Case => {
      const row = entries.map((entry) => (entry?.tag === tag ? entry.variants.get(value) : undefined));
      const part = this.#object(row, direction, false);
      return {
        value,
        node: part.kind === 'node' && part.node.kind === 'object' ? part.node : undefined,
        // A version may have the value, in its enum or as a mere string, and no variant for it.
        optional: members.some((member, version) => {
          return member !== undefined && enums[version]?.values.has(value) !== false && row[version] === undefined;
        }),
        note: this.#note(
          enums,
          enums.map((entry) => entry?.values.get(value)),
        ),
      };
    });
    return {
      tag,
      optional: entries.some((entry, version) => entry !== undefined && members[version]?.optional !== false),
      sent: direction !== 'read',
      cases,
    };
  }

  #enum(row: Row): EnumNode {
    const completed = this.#complete(row);
    const key = `enum ${keyOf(completed)}`;
    const known = this.#nodes.get(key);
    if (known?.kind === 'enum') return known;
    const entries = this.#table.entries(completed, 'enum');
    const values = keysOf(entries.map((entry) => entry?.values)).map((name) => ({
      name,
      note: this.#note(
        entries,
        entries.map((entry) => entry?.values.get(name)),
      ),
    }));
    const node: EnumNode = { kind: 'enum', values };
    this.#nodes.set(key, node);
    return node;
  }

  #alternate(row: Row, direction: Direction): AlternateNode {
    const completed = this.#complete(row);
    const key = `alternate ${direction} ${keyOf(completed)}`;
    const known = this.#nodes.get(key);
    if (known?.kind === 'alternate') return known;
    const node: AlternateNode = { kind: 'alternate', options: [] };
    // Before it is filled, since types refer to themselves.
    this.#nodes.set(key, node);
    node.options = this.type(
      this.#table.entries(completed, 'alternate').map((entry) => entry?.options ?? []),
      direction,
    );
    return node;
  }

  #note(applicable: readonly unknown[], present: readonly Presence[]): Note {
    return noteOf(
      this.#labels,
      applicable.map((entry) => entry !== undefined),
      present,
    );
  }
}

/** All keys, those of the newest version first and in its order. */
function keysOf(maps: readonly (ReadonlyMap<string, unknown> | undefined)[]): string[] {
  return [...new Set([...maps].reverse().flatMap((map) => (map === undefined ? [] : [...map.keys()])))];
}
