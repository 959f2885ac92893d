import { ProtocolError } from '../protocol/errors.js';
import type { Greeting } from '../protocol/message.js';
import type { QmpClient } from './qmp-client.js';

const known = new WeakMap<
  QmpClient,
  { readonly greeting: Greeting | undefined; readonly schema: Promise<QmpSchema> }
>();

/**
 * What the connected QEMU can do, as it says itself. QEMU is asked once in each session: the next one may be another QEMU.
 *
 * ```ts
 * const schema = await schemaOf(client);
 * schema.has('blockdev-backup', 'discard-source'); // false with QEMU 7.2
 * ```
 *
 * Rejects as `execute` does.
 */
export function schemaOf(client: QmpClient): Promise<QmpSchema> {
  const { greeting } = client;
  const before = known.get(client);
  if (before && before.greeting === greeting) return before.schema;
  const schema = client.execute('query-qmp-schema').then((entries) => {
    if (!Array.isArray(entries)) {
      throw new ProtocolError(`${client.name}: query-qmp-schema did not return a list`);
    }
    return new QmpSchema(entries);
  });
  known.set(client, { greeting, schema });
  schema.catch(() => {
    if (known.get(client)?.schema === schema) known.delete(client);
  });
  return schema;
}

/** An entry of `query-qmp-schema`, of whatever kind: which members it has depends on `meta-type`. */
interface Entry {
  readonly name: string;
  readonly 'meta-type': string;
  readonly 'json-type'?: string;
  readonly 'arg-type'?: string;
  readonly 'ret-type'?: string;
  readonly 'element-type'?: string;
  readonly 'allow-oob'?: boolean;
  readonly values?: readonly string[];
  readonly features?: readonly string[];
  readonly members?: readonly Member[];
  /** The member whose value says which of the variants it is. */
  readonly tag?: string;
  readonly variants?: readonly { readonly case?: string; readonly type: string }[];
}

interface Member {
  readonly name: string;
  readonly type: string;
  readonly features?: readonly string[];
}

/** Whether a path leads into the arguments or the result of a command; for an event both mean its data. */
export type SchemaSide = 'arguments' | 'result';

/** An argument of a command, or a member of an event's data. */
export interface SchemaMember {
  /** Its name. */
  readonly name: string;
  /** Whether it may be left out. */
  readonly optional: boolean;
  /** `string`, `int`, `boolean`, `enum`, `object`, …; of an array, what its elements are. */
  readonly kind: string;
}

/**
 * The commands, events and types of one QEMU. A path names a member, and members of members with dots
 * (`'options.driver'`); arrays, alternatives and variants are looked into.
 */
export class QmpSchema {
  /** Commands and events, by the names they are known by. */
  readonly #named = new Map<string, Entry>();
  /** Types, by names that mean nothing: QEMU numbers them in each build. */
  readonly #types = new Map<string, Entry>();

  /** @param entries what QEMU answered to `query-qmp-schema` */
  constructor(entries: readonly object[]) {
    for (const entry of entries as readonly Entry[]) {
      const isNamed = entry['meta-type'] === 'command' || entry['meta-type'] === 'event';
      (isNamed ? this.#named : this.#types).set(entry.name, entry);
    }
  }

  /** The names of all commands. */
  get commands(): readonly string[] {
    return this.#namesOf('command');
  }

  /** The names of all events. */
  get events(): readonly string[] {
    return this.#namesOf('event');
  }

  /** Whether there is such a command or event, and the member that the path names. */
  has(name: string, path?: string, side: SchemaSide = 'arguments'): boolean {
    if (path === undefined) return this.#named.has(name);
    return this.#find(name, path, side).length > 0;
  }

  /** The values of a member that is an enumeration, sorted; else an empty list. */
  values(name: string, path: string, side: SchemaSide = 'arguments'): readonly string[] {
    const values = this.#find(name, path, side).flatMap(({ type }) => this.#element(type)?.values ?? []);
    return [...new Set(values)].sort();
  }

  /** The features that QEMU lists for a command, an event or a member: `deprecated`, `unstable`, and what was added later. */
  features(name: string, path?: string): readonly string[] {
    if (path === undefined) return this.#named.get(name)?.features ?? [];
    return [...new Set(this.#find(name, path, 'arguments').flatMap(({ features = [] }) => features))];
  }

  /** Whether `execute` may send the command with `oob: true`. */
  allowsOob(command: string): boolean {
    return this.#named.get(command)?.['allow-oob'] === true;
  }

  /**
   * The members of a command's arguments, or of the object in them that the path names.
   *
   * @param given what is known of the arguments: with `{ driver: 'raw' }` the variants for other drivers are left out
   */
  members(name: string, path?: string, given: object = {}): readonly SchemaMember[] {
    const type = this.#named.get(name)?.['arg-type'];
    const types = path === undefined ? [type] : this.#find(name, path, 'arguments', given).map((member) => member.type);
    const chosen = (path?.split('.') ?? []).reduce<unknown>(memberOf, given);
    return types
      .flatMap((one) => this.#membersOf(one, chosen))
      .map((member) => {
        const element = this.#element(member.type);
        const kind = element?.['json-type'] ?? element?.['meta-type'] ?? 'any';
        return { name: member.name, optional: 'default' in member, kind };
      });
  }

  #namesOf(kind: string): readonly string[] {
    return [...this.#named.values()].filter((entry) => entry['meta-type'] === kind).map(({ name }) => name);
  }

  #find(name: string, path: string, side: SchemaSide, given?: unknown): readonly Member[] {
    const entry = this.#named.get(name);
    const isCommand = entry?.['meta-type'] === 'command';
    let types = [entry?.[side === 'result' && isCommand ? 'ret-type' : 'arg-type']];
    let found: readonly Member[] = [];
    let chosen = given;
    for (const word of path.split('.')) {
      found = types.flatMap((type) => this.#membersOf(type, chosen)).filter((member) => member.name === word);
      types = found.map(({ type }) => type);
      chosen = memberOf(chosen, word);
    }
    return found;
  }

  /** The members of an object and of its variants; of an alternative those of each. Types may hold themselves. */
  #membersOf(type: string | undefined, given?: unknown, seen = new Set<string>()): readonly Member[] {
    if (type === undefined || seen.has(type)) return [];
    seen.add(type);
    const { 'meta-type': kind, members = [], variants = [], tag } = this.#element(type) ?? {};
    if (kind === 'alternate') return members.flatMap((member) => this.#membersOf(member.type, given, seen));
    const chosen = tag === undefined ? undefined : memberOf(given, tag);
    const fitting = chosen === undefined ? variants : variants.filter((variant) => variant.case === chosen);
    return [...members, ...fitting.flatMap((variant) => this.#membersOf(variant.type, given, seen))];
  }

  /** What an array holds; any other type is itself. */
  #element(type: string): Entry | undefined {
    let entry = this.#types.get(type);
    for (let depth = 0; entry?.['meta-type'] === 'array' && depth < 8; depth += 1) {
      entry = this.#types.get(entry['element-type'] ?? '');
    }
    return entry;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
