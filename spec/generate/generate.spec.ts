import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateAugmentation, generateTypes, SchemaError } from '../../src/generate/index.js';
import { compile } from './compile.js';

type Entry = Record<string, unknown>;

const builtins: Entry[] = ['str:string', 'int:int', 'number:number', 'bool:boolean', 'null:null', 'any:value']
  .map((each) => each.split(':'))
  .map(([name, type]) => ({ name, 'meta-type': 'builtin', 'json-type': type }));

const command = (name: string, args = '0', result = '0', more: Entry = {}): Entry => {
  return { name, 'meta-type': 'command', 'arg-type': args, 'ret-type': result, ...more };
};
const event = (name: string, data = '0', more: Entry = {}): Entry => ({
  name,
  'meta-type': 'event',
  'arg-type': data,
  ...more,
});
const list = (element: string): Entry => ({ name: `[${element}]`, 'meta-type': 'array', 'element-type': element });
const alternate = (name: string, ...types: string[]): Entry => {
  return { name, 'meta-type': 'alternate', members: types.map((type) => ({ type })) };
};
const enumeration = (name: string, ...values: (string | Entry)[]): Entry => {
  return {
    name,
    'meta-type': 'enum',
    members: values.map((value) => (typeof value === 'string' ? { name: value } : value)),
  };
};
/** `object('1', { id: 'str', 'speed?': 'int' })`: a question mark for what is optional. */
const object = (name: string, members: Record<string, string | Entry>, more: Entry = {}): Entry => ({
  name,
  'meta-type': 'object',
  members: Object.entries(members).map(([key, type]) => ({
    name: key.replace('?', ''),
    ...(typeof type === 'string' ? { type } : type),
    ...(key.endsWith('?') ? { default: null } : {}),
  })),
  ...more,
});
const variants = (tag: string, cases: Record<string, string>): Entry => {
  return { tag, variants: Object.entries(cases).map(([value, type]) => ({ case: value, type })) };
};

/** The schema of a server: these entries, the built-in types and the empty object. */
const schema = (...entries: Entry[]): Entry[] => [...entries, object('0', {}), ...builtins];

/** What is generated for versions 1.0, 2.0, … of a server, without header and helpers, and compiled by the way. */
function generate(...versions: Entry[][]): Record<'types' | 'events' | 'commands', string> {
  const files = generateTypes(
    versions.map((entries, index) => ({ version: `${index + 1}.0.0`, schema: schema(...entries) })),
  );
  const text = (name: string): string => files.get(name) ?? '';
  expect(compile(Object.fromEntries(files), { noUnusedLocals: false })).toEqual([]);
  return {
    types: text('types.ts').split('string & {});\n\n')[1] ?? '',
    events: /EventMap \{\n([^]*)\}/.exec(text('event-map.ts'))?.[1] ?? '',
    commands: /CommandMap \{\n([^]*)\}/.exec(text('command-map.ts'))?.[1] ?? '',
  };
}

describe('generateTypes', () => {
  it('maps an event to its data, and to undefined if it has none', () => {
    const { events, types } = generate([
      event('STOP'),
      event('MY_EVENT', '1'),
      object('1', { id: 'str', 'error?': 'str' }),
    ]);
    expect(events).toBe('  MY_EVENT: qapi.MyEventEvent;\n  STOP: undefined;\n');
    expect(types).toBe(
      'export interface MyEventEvent {\n  readonly id: string;\n  readonly error?: string | undefined;\n}\n',
    );
  });

  it('maps a command to its arguments and its result', () => {
    const { commands } = generate([
      command('do-it', '1'),
      command('get-it', '0', '1'),
      command('get_text', '0', 'str', { 'allow-oob': true }),
      command('get-any', '0', 'any'),
      command('list-it', '0', '[1]'),
      object('1', { id: 'str' }),
      list('1'),
    ]);
    expect(commands.split('\n').map((line) => line.trim())).toEqual([
      `'do-it': { arguments: qapi.DoItArguments; result: qapi.Empty };`,
      `'get-any': { arguments: undefined; result: unknown };`,
      `'get-it': { arguments: undefined; result: qapi.GetItResult };`,
      `'get_text': { arguments: undefined; result: string; oob: true };`,
      `'list-it': { arguments: undefined; result: readonly qapi.GetItResult[] };`,
      '',
    ]);
  });

  it('opens integers and closes enums of what is sent, and the other way round', () => {
    const { types } = generate([
      command('swap', '1', '1'),
      object('1', { size: 'int', ratio: 'number', mode: '2', modes: '[2]' }),
      enumeration('2', 'fast', 'slow'),
      list('2'),
    ]);
    expect(types).toBe(`export interface SwapArguments {
  readonly size: Integer;
  readonly ratio: number;
  readonly mode: SwapArgumentsMode;
  readonly modes: readonly SwapArgumentsMode[];
}

export type SwapArgumentsMode = 'fast' | 'slow';

export interface SwapResult {
  readonly size: number;
  readonly ratio: number;
  readonly mode: Open<SwapArgumentsMode>;
  readonly modes: readonly Open<SwapArgumentsMode>[];
}
`);
  });

  it('makes a discriminated union of variants, with one arm for the cases that have the same members', () => {
    const { types } = generate([
      event('CHANGED', '1'),
      object('1', { id: 'str', type: '2' }, variants('type', { disk: '3', cd: '3', net: '4', none: '0' })),
      enumeration('2', 'disk', 'cd', 'net', 'none', 'unlisted'),
      object('3', { file: 'str' }),
      object('4', { mac: 'str' }),
    ]);
    expect(types).toContain(`export type ChangedEvent = {
  readonly id: string;
} & (
  | ({ readonly type: 'disk' | 'cd' } & ChangedEventDisk)
  | ({ readonly type: 'net' } & ChangedEventNet)
  | { readonly type: 'none' | 'unlisted' }
);`);
  });

  it('makes a union of an alternate, and keeps recursion', () => {
    const { types } = generate([
      command('add', '1'),
      object('1', { 'child?': '2', 'others?': '[1]', 'node-name': 'str' }),
      alternate('2', '1', 'str', 'null'),
      list('1'),
    ]);
    expect(types).toBe(`export interface AddArguments {
  readonly child?: AddArgumentsChild | undefined;
  readonly others?: readonly AddArguments[] | undefined;
  readonly 'node-name': string;
}

export type AddArgumentsChild = AddArguments | string | null;
`);
  });

  it('leaves device_add open for properties of devices, and old netdev_add, but nothing else', () => {
    const { types } = generate([
      command('device_add', '1'),
      command('netdev_add', '2'),
      command('other', '3'),
      object('1', { driver: 'str' }),
      object('2', { type: 'str' }),
      object('3', { driver: 'str' }),
    ]);
    const open = types.split('\n\n').filter((text) => text.includes('  readonly [property: string]: unknown;\n}'));
    expect(open.map((text) => /interface (\w+)/.exec(text)?.[1])).toEqual(['DeviceAddArguments', 'Netdev']);
  });

  it('writes equal types once, cycles too, but gives events and arguments their own', () => {
    const { types } = generate([
      event('A', '1'),
      event('B', '2'),
      object('1', { next: '3' }),
      object('2', { next: '4' }),
      object('3', { 'next?': '3', id: 'str' }),
      object('4', { 'next?': '4', id: 'str' }),
    ]);
    expect(types.match(/interface \w+/g)).toEqual(['interface AEvent', 'interface AEventNext', 'interface BEvent']);
  });

  it('names a type that several commands share after the first, and the others by alias', () => {
    const { types } = generate([command('pause', '1'), command('resume', '1'), object('1', { id: 'str' })]);
    expect(types).toBe(
      'export interface PauseArguments {\n  readonly id: string;\n}\n\nexport type ResumeArguments = PauseArguments;\n',
    );
  });

  it('never gives one name to two types', () => {
    const { types } = generate([
      command('get', '0', '1'),
      object('1', { 'a-b': '2', a_b: '3' }),
      object('2', { x: 'str' }),
      object('3', { y: 'str' }),
    ]);
    expect(types.match(/interface \w+/g)).toEqual([
      'interface GetResult',
      'interface GetResultAB',
      'interface GetResultAB2',
    ]);
  });

  it('keeps apart commands whose names differ in punctuation only', () => {
    const { types, commands } = generate([
      command('add-x', '1'),
      command('add_x', '2'),
      command('add.x', '2'),
      object('1', { x: 'str' }),
      object('2', { y: 'str' }),
    ]);
    expect(types.match(/export \w+ \w+/g)).toEqual([
      'export interface AddXArguments',
      'export interface AddXArguments2',
    ]);
    expect(commands.match(/AddX\w+/g)).toEqual(['AddXArguments', 'AddXArguments2', 'AddXArguments2']);
  });

  it('takes a built-in type that it does not know for anything', () => {
    const { types } = generate([
      event('E', '1'),
      object('1', { x: '2' }),
      { name: '2', 'meta-type': 'builtin', 'json-type': 'constructor' },
    ]);
    expect(types).toContain('readonly x: unknown;');
  });

  it('marks what is deprecated or unstable', () => {
    const { types, events, commands } = generate([
      event('OLD', '0', { features: ['deprecated'] }),
      command('x-new', '1', '0', { features: ['unstable', 'something-else'] }),
      object('1', { size: { type: 'int', features: ['deprecated'] }, mode: '2' }),
      enumeration('2', 'a', { name: 'b', features: ['deprecated'] }),
    ]);
    expect(events).toBe('  /** @deprecated */\n  OLD: undefined;\n');
    expect(commands).toContain('  /** Unstable: QEMU may change or drop it. */\n');
    expect(types).toContain('  /** @deprecated */\n  readonly size: Integer;\n');
    expect(types).toContain(`/** Deprecated: 'b'. */\nexport type XNewArgumentsMode = 'a' | 'b';`);
  });

  describe('of several versions', () => {
    const old = [event('E', '1'), object('1', { id: 'str', gone: 'str', kind: '2' }), enumeration('2', 'a', 'b')];
    const young = [
      event('E', '9'),
      event('F', '9'),
      object('9', { id: 'str', fresh: 'int', kind: '8' }),
      enumeration('8', 'b', 'c'),
    ];

    it('merges what is used in the same place, and says which versions have a member, a value or an event', () => {
      const { types, events } = generate(old, young);
      expect(events).toBe('  E: qapi.EEvent;\n  /** Since QEMU 2.0 (not in 1.0). */\n  F: qapi.EEvent;\n');
      expect(types).toBe(`export interface EEvent {
  readonly id: string;
  /** Since QEMU 2.0 (not in 1.0). */
  readonly fresh?: number | undefined;
  readonly kind: Open<EEventKind>;
  /** Not in QEMU 2.0. */
  readonly gone?: string | undefined;
}

/**
 * Since QEMU 2.0 (not in 1.0): 'c'.
 * Not in QEMU 2.0: 'a'.
 */
export type EEventKind = 'b' | 'c' | 'a';

export type FEvent = EEvent;
`);
    });

    it('says it of any number of versions', () => {
      const versions = [[], ['a'], ['a', 'b'], ['c'], ['a', 'b', 'c']].map((letters) => [
        event('E', '1'),
        object('1', { id: 'str', ...Object.fromEntries(letters.map((letter) => [letter, 'str'])) }),
      ]);
      expect(generate(...versions.slice(0, 3)).types).toContain('/** Since QEMU 2.0 (not in 1.0). */\n  readonly a?');
      expect(generate(...versions.slice(0, 3)).types).toContain('/** Since QEMU 3.0 (not in 2.0). */\n  readonly b?');
      expect(generate(...versions.slice(1, 4)).types).toContain('/** Only in QEMU 2.0. */\n  readonly b?');
      expect(generate(...versions.slice(2, 4), [], []).types).toContain('/** Not in QEMU 2.0. */\n  readonly a?');
      const [, first = [], , last = []] = versions;
      expect(generate(first, last, last).types).toContain('/** Not in QEMU 2.0 and later. */\n  readonly a?');
    });

    it('unites types that differ in kind, and data that one version lacks', () => {
      const { types, events } = generate(
        [event('E', '1'), event('G'), object('1', { level: 'str' })],
        [
          event('E', '1'),
          event('G', '3'),
          object('1', { level: '2' }),
          enumeration('2', 'low'),
          object('3', { x: 'str' }),
        ],
      );
      expect(events).toContain('G: qapi.GEvent | undefined;');
      expect(types).toContain('readonly level: Open<EEventLevel> | string;');
    });

    it('knows a tag that one version has as a string or not at all', () => {
      const plain = (members: Record<string, string>): Entry[] => [event('E', '1'), object('1', members)];
      const tagged = [
        event('E', '1'),
        object('1', { id: 'str', type: '2' }, variants('type', { a: '3', b: '0' })),
        enumeration('2', 'a', 'b'),
        object('3', { size: 'int' }),
      ];
      expect(generate(plain({ id: 'str', type: 'str' }), tagged).types).toContain(
        `({ readonly type: 'a' } & Partial<EEventA>) | { readonly type: 'b' }`.replaceAll(' | ', '\n  | '),
      );
      expect(generate(plain({ id: 'str' }), tagged).types).toContain('  | { readonly type?: undefined }\n');
    });

    it('puts versions in the order of their numbers', () => {
      const schemas = [
        { version: '10.0.13', schema: schema(event('NEW')) },
        { version: '7.2.22', schema: schema() },
        { version: '9.1.0', schema: schema() },
      ];
      expect(generateTypes(schemas).get('event-map.ts')).toMatch(
        /QEMU 7\.2\.22, 9\.1\.0 and 10[^]*Since QEMU 10\.0 \(not in 9\.1\)/,
      );
    });
  });

  describe('of what is no schema', () => {
    const refusal = (value: unknown): string => {
      try {
        generateTypes([{ version: '1.0', schema: value }]);
      } catch (error) {
        expect(error).toBeInstanceOf(SchemaError);
        return (error as SchemaError).message;
      }
      return 'accepted';
    };

    it.each<[string, unknown, string]>([
      ['an error reply', { error: {} }, 'QEMU 1.0: expected the list that query-qmp-schema returns, found an object'],
      ['null', null, 'QEMU 1.0: expected the list that query-qmp-schema returns, found null'],
      ['a list of numbers', [5], 'QEMU 1.0: entry 0: expected an object, found 5'],
      [
        'an unknown meta-type',
        [{ name: 'x', 'meta-type': 'macro' }],
        'QEMU 1.0: entry 0: "meta-type" is "macro", which is none of QMP\'s',
      ],
      [
        'a missing key',
        [{ name: 'X', 'meta-type': 'event' }],
        'QEMU 1.0: entry 0: "arg-type" should be a string, but is missing',
      ],
      ['an unlisted type', [event('X', '7')], 'QEMU 1.0: event "X" uses type "7", which is not listed'],
      [
        'a number as data',
        schema(event('X', 'int')),
        'QEMU 1.0: event "X" uses type "int" as object, but it is builtin',
      ],
      ['a list of itself', schema({ ...list('[1]'), name: '[1]' }), 'QEMU 1.0: type "[1]" is a list of itself'],
      [
        'a member without type',
        schema(object('1', { a: { type: 5 } })),
        'QEMU 1.0: entry 0 ("1"): members[0]: "type" should be a string, but is 5',
      ],
      [
        'a name that would end a comment or a string',
        schema(event("X': 1 } */ x")),
        `QEMU 1.0: entry 0: "name" should be a name of letters, digits, "_", "-" and ".", but is "X': 1 } */ x"`,
      ],
    ])('refuses %s and says where', (_, value, message) => {
      expect(refusal(value)).toBe(message);
    });

    it('takes the whole reply, keys it does not know, and enums without features', () => {
      const older = [
        event('X', '1', { comment: 5 }),
        object('1', { m: '2' }),
        { name: '2', 'meta-type': 'enum', values: ['a'] },
      ];
      expect(refusal({ return: schema(...older), id: 7 })).toBe('accepted');
    });
  });
});

describe('generateAugmentation', () => {
  const known = { events: ['STOP'], commands: ['quit'] };
  const library = {
    'lib/index.d.ts': `export type { EventMap } from './maps.js'; export type { CommandMap } from './maps.js';`,
    'lib/maps.d.ts': `export interface EventMap { STOP: undefined } export interface CommandMap { quit: { arguments: undefined; result: {} } }`,
  };
  const check = (text: string, use: string): string[] =>
    compile(
      { ...library, 'qapi.ts': text, 'main.ts': use },
      { skipLibCheck: false, paths: { 'rx-qmp': ['./lib/index.d.ts'] } },
    );
  const entries = schema(
    event('STOP'),
    event('MY_EVENT', '1'),
    command('quit'),
    command('my-command', '1', '1'),
    object('1', { size: 'int', mode: '2' }),
    enumeration('2', 'a', 'b'),
  );

  it('adds what the maps lack, with types of its own', () => {
    const { text, events, commands } = generateAugmentation(entries, '99.0', known);
    expect([events, commands]).toEqual([['MY_EVENT'], ['my-command']]);
    const use = (mode: string): string => `import type { CommandMap, EventMap } from 'rx-qmp';
      export const e: EventMap['MY_EVENT'] = { size: 1, mode: 'of QEMU 100' };
      export const c: CommandMap['my-command']['arguments'] = { size: 1n, mode: '${mode}' };
      export const s: EventMap['STOP'] = undefined;`;
    expect(check(text, use('a'))).toEqual([]);
    expect(check(text, use('c'))).toHaveLength(1);
    expect(check('export {};', use('a'))).not.toEqual([]);
  });

  it('is a module that adds nothing where nothing is missing', () => {
    const { text, events, commands } = generateAugmentation(entries, '99.0', {
      events: ['STOP', 'MY_EVENT'],
      commands: ['quit', 'my-command'],
    });
    expect([events, commands]).toEqual([[], []]);
    expect(check(text, '')).toEqual([]);
  });

  it('knows what this library lists', () => {
    const qemu = JSON.parse(readFileSync(join(__dirname, '../../qapi/qemu-10.0.13.json'), 'utf8')) as unknown;
    expect(generateAugmentation(qemu, '10.0.13')).toMatchObject({ events: [], commands: [] });
    const { text, events } = generateAugmentation(qemu, '10.0.13', known);
    expect(events).toHaveLength(54);
    expect(
      check(text, `import type { EventMap } from 'rx-qmp'; export const e: EventMap['RESUME'] = undefined;`),
    ).toEqual([]);
  });

  describe('of commands and events that have grown', () => {
    const file = join(__dirname, '../../qapi/qemu-11.1.3.json');
    const grown = JSON.parse(readFileSync(file, 'utf8')) as Entry[];
    const typeOf = (name: string, role: 'arg-type' | 'ret-type'): { members: object[] } => {
      const used = grown.find((entry) => entry['name'] === name)?.[role];
      return grown.find((entry) => entry['name'] === used) as unknown as { members: object[] };
    };
    typeOf('block-stream', 'arg-type').members.push({ name: 'vendor-hint', type: 'str', default: null });
    typeOf('query-name', 'ret-type').members.push({ name: 'vendor-owner', type: 'str' });
    typeOf('RTC_CHANGE', 'arg-type').members.push({ name: 'vendor-clock', type: 'str' });
    const { text, events, commands, changed } = generateAugmentation(grown, '11.1.3');

    it('finds them, and none of the others', () => {
      expect({ events, commands, changed }).toEqual({
        events: [],
        commands: [],
        changed: { events: ['RTC_CHANGE'], commands: ['block-stream', 'query-name'] },
      });
    });

    it('makes maps of its own, since merging cannot change what is listed, and a client takes them', () => {
      const program = `import { QmpClient, type Connector } from './src/index.js';
        import type { VendorCommandMap, VendorEventMap } from './vendor.js';
        export async function run(connector: Connector<VendorCommandMap>): Promise<string> {
          const client = new QmpClient<VendorCommandMap>(connector);
          await client.execute('block-stream', { device: 'd', 'vendor-hint': 'fast' });
          await client.execute('job-dismiss', { id: 'job0' });
          client.observe('RTC_CHANGE').subscribe(({ data }) => (data as VendorEventMap['RTC_CHANGE'])['vendor-clock']);
          // @ts-expect-error -- a typo in a member that grew
          await client.execute('block-stream', { device: 'd', 'vendor-hnt': 'fast' });
          return (await client.execute('query-name'))['vendor-owner'];
        }
        export const plain = (client: QmpClient) =>
          // @ts-expect-error -- rx-qmp's own map does not know it
          client.execute('block-stream', { device: 'd', 'vendor-hint': 'fast' });`;
      const options = {
        lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
        types: ['node'],
        paths: { 'rx-qmp': ['./src/index.ts'] },
      };
      expect(compile({ 'main.ts': program, 'vendor.ts': text }, options)).toEqual([]);
    });
  });

  it('refuses a version that would not stay in its comment', () => {
    expect(() => generateAugmentation(entries, '1.0\nexport', known)).toThrow(SchemaError);
  });
});
