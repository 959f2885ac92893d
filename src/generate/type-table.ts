import type { Row } from './correspondence.js';
import type { ObjectEntry, Schema, TypeEntry } from './schema.js';

export type Kind = TypeEntry['kind'];

/** An entry for each version that has one. */
export type Entries<K extends Kind> = readonly (Extract<TypeEntry, { kind: K }> | undefined)[];

/** The types of several versions, looked up row by row. */
export class TypeTable {
  readonly #schemas: readonly Schema[];

  constructor(schemas: readonly Schema[]) {
    this.#schemas = schemas;
  }

  /** What a row names, where it is of that kind. */
  entries<K extends Kind>(row: Row, kind: K): Entries<K> {
    return row.map((type, version) => {
      const entry = this.#find(type, version);
      return entry?.kind === kind ? (entry as Extract<TypeEntry, { kind: K }>) : undefined;
    });
  }

  /** The types of that kind: the first of each version in one row, the second in the next. An alternate may have several. */
  rows(places: readonly (readonly string[])[], kind: Kind): Row[] {
    const lists = places.map((types, version) => types.filter((type) => this.#find(type, version)?.kind === kind));
    const length = Math.max(...lists.map((list) => list.length));
    return Array.from({ length }, (_, index) => lists.map((list) => list[index]));
  }

  object(type: string, version: number): ObjectEntry | undefined {
    const entry = this.#find(type, version);
    return entry?.kind === 'object' ? entry : undefined;
  }

  /** Whether this is an object without members, which QMP writes where there is nothing to say. */
  isEmpty(type: string | undefined, version: number): boolean {
    const entry = this.#find(type, version);
    return entry?.kind === 'object' && entry.members.size === 0;
  }

  #find(type: string | undefined, version: number): TypeEntry | undefined {
    return type === undefined ? undefined : this.#schemas[version]?.types.get(type);
  }
}
