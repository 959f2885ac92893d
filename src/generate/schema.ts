import { Fields, SchemaError } from './fields.js';

export { SchemaError };

/** What a server says about itself: the reply of `query-qmp-schema`, checked and indexed. */
export interface Schema {
  readonly version: string;
  readonly events: ReadonlyMap<string, EventEntry>;
  readonly commands: ReadonlyMap<string, CommandEntry>;
  readonly types: ReadonlyMap<string, TypeEntry>;
}

export interface EventEntry {
  readonly kind: 'event';
  readonly arguments: string;
  readonly features: readonly string[];
}

export interface CommandEntry {
  readonly kind: 'command';
  readonly arguments: string;
  readonly result: string;
  readonly features: readonly string[];
  readonly oob: boolean;
}

export type TypeEntry = BuiltinEntry | EnumEntry | ArrayEntry | ObjectEntry | AlternateEntry;

export interface BuiltinEntry {
  readonly kind: 'builtin';
  readonly json: string;
}

export interface EnumEntry {
  readonly kind: 'enum';
  readonly values: ReadonlyMap<string, readonly string[]>;
}

export interface ArrayEntry {
  readonly kind: 'array';
  readonly element: string;
}

export interface AlternateEntry {
  readonly kind: 'alternate';
  readonly options: readonly string[];
}

export interface ObjectEntry {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, MemberEntry>;
  /** The member that tells the variants apart, if the object has variants. */
  readonly tag: string | undefined;
  readonly variants: ReadonlyMap<string, string>;
}

export interface MemberEntry {
  readonly type: string;
  readonly optional: boolean;
  readonly features: readonly string[];
}

/**
 * The reply of `query-qmp-schema`, checked and indexed by name. Takes the list itself or the whole reply around it, and
 * ignores keys that it does not know. Throws {@link SchemaError}.
 */
export function readSchema(value: unknown, version: string): Schema {
  if (!/^[\w.+~:() -]+$/.test(version)) throw new SchemaError(`${JSON.stringify(version)} is not a version of QEMU`);
  const events = new Map<string, EventEntry>();
  const commands = new Map<string, CommandEntry>();
  const types = new Map<string, TypeEntry>();
  for (const item of Fields.ofReply(value, `QEMU ${version}`)) {
    const entry = readEntry(item);
    if (entry.kind === 'event') events.set(item.name('name'), entry);
    else if (entry.kind === 'command') commands.set(item.name('name'), entry);
    else types.set(item.text('name'), entry);
  }
  const schema = { version, events, commands, types };
  checkReferences(schema);
  return schema;
}

function readEntry(item: Fields): EventEntry | CommandEntry | TypeEntry {
  const kind = item.text('meta-type');
  switch (kind) {
    case 'event':
      return { kind, arguments: item.text('arg-type'), features: item.features() };
    case 'command':
      return {
        kind,
        arguments: item.text('arg-type'),
        result: item.text('ret-type'),
        features: item.features(),
        oob: item.flag('allow-oob'),
      };
    case 'builtin':
      return { kind, json: item.text('json-type') };
    case 'array':
      return { kind, element: item.text('element-type') };
    case 'alternate':
      return { kind, options: item.list('members').map((member) => member.text('type')) };
    case 'enum':
      // `members`, with features, came with QEMU 6.2; the plain `values` are older.
      return item.has('members')
        ? { kind, values: new Map(item.list('members').map((value) => [value.name('name'), value.features()])) }
        : { kind, values: new Map(item.names('values').map((value) => [value, []])) };
    case 'object': {
      const variants = item.has('variants') ? item.list('variants') : [];
      return {
        kind,
        members: new Map(item.list('members').map((member) => [member.name('name'), readMember(member)])),
        tag: item.has('tag') ? item.name('tag') : undefined,
        variants: new Map(variants.map((variant) => [variant.name('case'), variant.text('type')])),
      };
    }
    default:
      throw item.error(`"meta-type" is ${JSON.stringify(kind)}, which is none of QMP's`);
  }
}

function readMember(member: Fields): MemberEntry {
  return { type: member.text('type'), optional: member.has('default'), features: member.features() };
}

function checkReferences({ version, events, commands, types }: Schema): void {
  const check = (user: string, type: string, kind?: TypeEntry['kind']): void => {
    const found = types.get(type);
    if (found === undefined) throw new SchemaError(`QEMU ${version}: ${user} uses type "${type}", which is not listed`);
    if (kind !== undefined && found.kind !== kind) {
      throw new SchemaError(`QEMU ${version}: ${user} uses type "${type}" as ${kind}, but it is ${found.kind}`);
    }
  };
  for (const [name, event] of events) check(`event "${name}"`, event.arguments, 'object');
  for (const [name, command] of commands) {
    check(`command "${name}"`, command.arguments, 'object');
    check(`command "${name}"`, command.result);
  }
  for (const [name, type] of types) {
    const user = `type "${name}"`;
    if (type.kind === 'array') {
      check(user, type.element);
      if (holdsItself(type, types)) throw new SchemaError(`QEMU ${version}: ${user} is a list of itself`);
    }
    if (type.kind === 'alternate') {
      type.options.forEach((option) => {
        check(user, option);
      });
    }
    if (type.kind !== 'object') continue;
    for (const member of type.members.values()) check(user, member.type);
    for (const variant of type.variants.values()) check(user, variant, 'object');
    if (type.tag !== undefined) check(`the tag of ${user}`, type.members.get(type.tag)?.type ?? type.tag, 'enum');
  }
}

function holdsItself(list: ArrayEntry, types: Schema['types']): boolean {
  const seen = new Set<TypeEntry>();
  for (let entry: TypeEntry | undefined = list; entry?.kind === 'array'; entry = types.get(entry.element)) {
    if (seen.has(entry)) return true;
    seen.add(entry);
  }
  return false;
}
