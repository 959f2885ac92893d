import type { CommandMap } from '../protocol/qapi/command-map.js';

/** What QEMU answers to `query-qmp-schema`: every command, event and type it knows. */
export type Schema = CommandMap['query-qmp-schema']['result'];

export type SchemaEntry = Schema[number];

/** The schema with its entries by name: commands and types never share one. */
export type SchemaIndex = ReadonlyMap<string, SchemaEntry>;

export function indexOf(schema: Schema): SchemaIndex {
  return new Map(schema.map((entry) => [entry.name, entry]));
}

/** The members of each argument, `?` behind the optional ones. */
type Arguments = Readonly<Record<string, string>>;

const JOB: Arguments = { id: 'str' };

/** The commands that a FakeQemu answers without being told how, in QEMU's own order of types. */
const COMMANDS: Readonly<Record<string, Arguments>> = {
  qmp_capabilities: { 'enable?': '[QMPCapability]' },
  'query-version': {},
  'query-commands': {},
  'query-qmp-schema': {},
  'query-status': {},
  'query-name': {},
  'query-uuid': {},
  'query-kvm': {},
  'query-cpus-fast': {},
  'query-block': {},
  'query-named-block-nodes': { 'flat?': 'bool' },
  'query-chardev': {},
  'query-pci': {},
  'query-vnc': {},
  'query-iothreads': {},
  'query-migrate': {},
  'query-migrate-capabilities': {},
  'migrate-set-capabilities': { capabilities: 'any' },
  'migrate-set-parameters': { 'max-bandwidth?': 'int', 'downtime-limit?': 'int' },
  migrate: { uri: 'str' },
  migrate_cancel: {},
  device_del: { id: 'str' },
  'qom-list': { path: 'str' },
  'send-key': { keys: 'any', 'hold-time?': 'int' },
  'query-yank': {},
  stop: {},
  cont: {},
  system_reset: {},
  system_powerdown: {},
  quit: {},
  'human-monitor-command': { 'command-line': 'str', 'cpu-index?': 'int' },
  'query-jobs': {},
  'query-block-jobs': {},
  'blockdev-create': { 'job-id': 'str', options: 'BlockdevCreateOptions' },
  'job-pause': JOB,
  'job-resume': JOB,
  'job-cancel': JOB,
  'job-complete': JOB,
  'job-finalize': JOB,
  'job-dismiss': JOB,
};

/** Out of band is allowed for these (QEMU 7.2 and 10.0). */
const OUT_OF_BAND = new Set(['migrate-pause', 'migrate-recover', 'query-yank', 'yank']);

const TYPES: Schema = [
  { 'meta-type': 'builtin', name: 'str', 'json-type': 'string' },
  { 'meta-type': 'builtin', name: 'int', 'json-type': 'int' },
  { 'meta-type': 'builtin', name: 'bool', 'json-type': 'boolean' },
  { 'meta-type': 'builtin', name: 'any', 'json-type': 'value' },
  { 'meta-type': 'enum', name: 'QMPCapability', members: [{ name: 'oob' }], values: ['oob'] },
  { 'meta-type': 'array', name: '[QMPCapability]', 'element-type': 'QMPCapability' },
  // Only the member that every driver has; the others are not checked.
  {
    'meta-type': 'object',
    name: 'BlockdevCreateOptions',
    members: [{ name: 'driver', type: 'str' }],
    tag: 'driver',
  },
];

/** A small schema of those commands, in the form of QEMU's own; what they return is not told. */
export const defaultSchema: Schema = [
  ...TYPES,
  ...Object.entries(COMMANDS).flatMap(([name, members]): SchemaEntry[] => [
    {
      'meta-type': 'command',
      name,
      'arg-type': `${name}-arg`,
      'ret-type': 'any',
      ...(OUT_OF_BAND.has(name) && { 'allow-oob': true }),
    },
    {
      'meta-type': 'object',
      name: `${name}-arg`,
      members: Object.entries(members).map(([member, type]) =>
        member.endsWith('?') ? { name: member.slice(0, -1), type, default: null } : { name: member, type },
      ),
    },
  ]),
];

/** Whether a command that the schema does not list may be sent out of band. */
export function allowsOob(name: string, schema: SchemaIndex): boolean {
  const entry = schema.get(name);
  return entry?.['meta-type'] === 'command' ? entry['allow-oob'] === true : OUT_OF_BAND.has(name);
}
