import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import {
  generateKnownShapes,
  generateListedNames,
  generateTypes,
  knownNames,
  type Manual,
} from '../../src/generate/index.js';
import { givenNames } from '../../src/generate/given-names.js';
import { compile } from '../generate/compile.js';

const root = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const versions = readdirSync(join(root, 'qapi')).flatMap((file) => /^qemu-(.+)\.json$/.exec(file)?.[1] ?? []);
const schemas = versions
  .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
  .map((version) => ({
    version,
    schema: JSON.parse(read(`qapi/qemu-${version}.json`)) as { name: string; 'meta-type': string }[],
  }));

const manual = JSON.parse(read('qapi/manual.json')) as Record<'qemu' | 'qga', Manual>;

function namesOf(metaType: string): string[][] {
  return schemas.map(({ schema }) => schema.filter((entry) => entry['meta-type'] === metaType).map(({ name }) => name));
}

function union(lists: string[][]): string[] {
  return [...new Set(lists.flat())].sort();
}

/** The property names of an interface in a committed file, in order. */
function keysOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022);
  const found = source.statements.find((it) => ts.isInterfaceDeclaration(it) && it.name.text === name);
  if (found === undefined || !ts.isInterfaceDeclaration(found)) throw new Error(`no interface ${name} in ${file}`);
  return found.members.map((member) => (member.name as ts.StringLiteral | ts.Identifier).text);
}

describe('the generated types', () => {
  it('list every event of all versions once', () => {
    expect(namesOf('event').map((names) => names.length)).toEqual([52, 55, 57]);
    const keys = keysOf('src/protocol/qapi/event-map.ts', 'EventMap');
    expect(keys).toHaveLength(59);
    expect(keys).toEqual(union(namesOf('event')));
  });

  it('list every command of all versions once', () => {
    expect(namesOf('command').map((names) => names.length)).toEqual([216, 233, 242]);
    expect(keysOf('src/protocol/qapi/command-map.ts', 'CommandMap')).toEqual(union(namesOf('command')));
  });

  it('are known by name to the generator', () => {
    expect(knownNames).toEqual({ events: union(namesOf('event')), commands: union(namesOf('command')) });
  });

  it('are what generating again gives, to the letter', () => {
    const files = generateTypes(schemas, { manual: manual.qemu });
    expect([...files.keys()]).toEqual(['types.ts', 'command-map.ts', 'event-map.ts']);
    for (const [name, text] of files) expect(text === read(`src/protocol/qapi/${name}`)).toBe(true);
    expect(generateKnownShapes(schemas) === read('src/protocol/qapi/known-shapes.ts')).toBe(true);
    const guest = generateTypes([{ version: '10.0', schema: JSON.parse(read('qapi/qga-10.0.json')) as unknown }], {
      commandMap: 'GuestCommandMap',
      prefix: 'qga',
      manual: manual.qga,
    });
    expect([...guest.keys()]).toEqual(['types.ts', 'command-map.ts']);
    for (const [name, text] of guest) expect(text === read(`src/protocol/qga/${name}`)).toBe(true);
    expect(generateListedNames(schemas) === read('src/protocol/qapi/known-names.ts')).toBe(true);
  });

  it('do not depend on the order of the versions or of what they list', () => {
    const reversed = schemas.map(({ version, schema }) => ({ version, schema: [...schema].reverse() })).reverse();
    expect([...generateTypes(reversed)]).toEqual([...generateTypes(schemas)]);
  });

  it('lead each event and command to its section of the reference manual', () => {
    const page = 'https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html';
    const maps = read('src/protocol/qapi/event-map.ts') + read('src/protocol/qapi/command-map.ts');
    const links = [...maps.matchAll(/@see (\S+)/g)].map(([, link = '']) => link);
    expect(links).toHaveLength(knownNames.events.length + knownNames.commands.length);
    expect(links).toContain(`${page}#event-QMP-run-state.STOP`);
    expect(links).toContain(`${page}#command-QMP-block-core.blockdev-add`);
    // What only older versions have is in no section of the manual of QEMU 11.1.
    expect(links.filter((link) => link === page)).toHaveLength(6);
    expect(links.filter((link) => !link.startsWith(page))).toEqual([]);
  });

  it('use every name that was given by hand', () => {
    const types = read('src/protocol/qapi/types.ts');
    const unused = Object.values(givenNames).filter((name) => !new RegExp(`^export \\w+ ${name}\\b`, 'm').test(types));
    expect(unused).toEqual([]);
  });

  it('hold no structure twice, but for the names that are given and the data and arguments that have their own', () => {
    const declarations = read('src/protocol/qapi/types.ts')
      .split('\n\n')
      .filter((text) => /^export \w+ \w+/m.test(text));
    const seen = new Map<string, string[]>();
    for (const text of declarations) {
      const name = /^export \w+ (\w+)/m.exec(text)?.[1] ?? '';
      if (/(Arguments|Event)$/.test(name) || Object.values(givenNames).includes(name)) continue;
      const structure = text.replace(name, '');
      seen.set(structure, [...(seen.get(structure) ?? []), name]);
    }
    expect([...seen.values()].filter((names) => names.length > 1)).toEqual([]);
  });

  it('compile in strict mode, without DOM and with every library checked', () => {
    const main = `export type * from './src/protocol/qapi/types.js';
      export type { EventMap } from './src/protocol/qapi/event-map.js';
      export type { CommandMap } from './src/protocol/qapi/command-map.js';`;
    const strict = { skipLibCheck: false, skipDefaultLibCheck: false, isolatedDeclarations: true, declaration: true };
    expect(compile({ 'main.ts': main }, { ...strict, noUnusedLocals: true, verbatimModuleSyntax: true })).toEqual([]);
  });

  it('stay small', () => {
    const size = ['types', 'event-map', 'command-map'].map((name) => read(`src/protocol/qapi/${name}.ts`).length);
    expect(size.reduce((sum, each) => sum + each)).toBeLessThan(250_000);
  });
});

describe('a recorded session of QEMU 7.2', () => {
  const messages = read('spec/fixtures/qemu-7.2-session.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  const events = messages.filter((message): message is { event: string; data?: unknown } => 'event' in message);
  const program = (data: (event: { event: string; data?: unknown }) => unknown): string =>
    [
      `import type { EventMap } from './src/protocol/qapi/event-map.js';`,
      ...events.map(
        (it, index) =>
          `export const e${index}: EventMap['${it.event}'] = ${data(it) === undefined ? 'undefined' : JSON.stringify(data(it))};`,
      ),
    ].join('\n');

  it('has the data that the types say', () => {
    expect(events.length).toBeGreaterThan(20);
    expect(compile({ 'main.ts': program(({ data }) => data) })).toEqual([]);
  });

  it('has no other data: each event with a member of a wrong type is refused', () => {
    const wrong = program(({ data }) =>
      data === undefined ? {} : { ...data, [Object.keys(data as object)[0] ?? '']: {} },
    );
    expect(new Set(compile({ 'main.ts': wrong }).map((problem) => /:(\d+)/.exec(problem)?.[1])).size).toBe(
      events.length,
    );
  });
});

describe('a program that uses the types', () => {
  const problems = (text: string): string[] =>
    compile({
      'main.ts': `import type { EventMap } from './src/protocol/qapi/event-map.js';
        import type { CommandMap } from './src/protocol/qapi/command-map.js';
        export type Data<N extends keyof EventMap> = EventMap[N];
        export type Arguments<N extends keyof CommandMap> = CommandMap[N]['arguments'];
        export type Result<N extends keyof CommandMap> = CommandMap[N]['result'];
        export declare function read<T>(): T;
        export declare function never(value: never): void;
        ${text}`,
    });

  it('compares what it reads with known values, and meets unknown ones', () => {
    const use = (value: string): string => `
      const status: Data<'JOB_STATUS_CHANGE'>['status'] = ${value};
      if (status === 'concluded') { const known: 'concluded' = status as 'concluded'; void known; }
      const text: string = status; void text;`;
    expect(problems(use(`read<Data<'JOB_STATUS_CHANGE'>>().status`))).toEqual([]);
    expect(problems(use(`'a status of QEMU 99'`))).toEqual([]);
    expect(problems(use('5'))).toHaveLength(1);
  });

  it('narrows a result by its tag', () => {
    const use = (tag: string, member: string): string => `
      const [device] = read<Result<'query-memory-devices'>>();
      if (device?.type === '${tag}') { const { ${member} } = device.data; void ${member}; }`;
    expect(problems(use('dimm', 'slot'))).toEqual([]);
    expect(problems(use('virtio-mem', 'slot'))).toHaveLength(1);
    expect(problems(use('no-such-type', 'slot'))).not.toEqual([]);
  });

  it('sends no enum value, member or tag with a typo', () => {
    const use = (sync: string, key: string): string =>
      `export const args: Arguments<'blockdev-backup'> = { device: 'd', target: 't', sync: '${sync}', ${key}: 'j' };`;
    expect(problems(use('full', `'job-id'`))).toEqual([]);
    expect(problems(use('ful', `'job-id'`))).toHaveLength(1);
    expect(problems(use('full', `'jobid'`))).toHaveLength(1);
  });

  it('sends nested block devices', () => {
    const use = (driver: string, filename: string): string => `export const args: Arguments<'blockdev-add'> =
      { driver: '${driver}', 'node-name': 'n', file: { driver: 'file', ${filename}: '/x' }, backing: null };`;
    expect(problems(use('qcow2', 'filename'))).toEqual([]);
    expect(problems(use('qcow', 'filename'))).toEqual([]);
    expect(problems(use('qcow3', 'filename'))).not.toEqual([]);
    expect(problems(use('qcow2', 'fileName'))).not.toEqual([]);
  });

  it('sends integers as number or bigint', () => {
    const use = (value: string): string => `export const args: Arguments<'balloon'> = { value: ${value} };`;
    expect(problems(use('1024') + use('2n ** 62n').replace('args', 'more'))).toEqual([]);
    expect(problems(use(`'1G'`))).toHaveLength(1);
  });

  it('adds devices with properties that only the device knows', () => {
    const use = (args: string): string => `export const args: Arguments<'device_add'> = ${args};`;
    expect(problems(use(`{ driver: 'virtio-net-pci', id: 'n', netdev: 'n0', 'num-queues': 4 }`))).toEqual([]);
    expect(problems(use(`{ id: 'n' }`))).toHaveLength(1);
    expect(problems(`export const args: Arguments<'netdev_add'> = { type: 'user', id: 'n', bogus: 1 };`)).toHaveLength(
      1,
    );
  });

  it('tells what takes no arguments, returns nothing or goes out of band', () => {
    expect(
      problems(`
        const none: Arguments<'query-status'> = undefined; void none;
        const empty: Result<'stop'> = {}; void empty;
        const oob: CommandMap['yank']['oob'] = true; void oob;
        const perhaps: Arguments<'query-machines'>[] = [undefined, { 'compat-props': true }]; void perhaps;`),
    ).toEqual([]);
    expect(problems(`const oob: CommandMap['stop']['oob'] = true; void oob;`)).toHaveLength(1);
    expect(problems(`const none: Data<'STOP'> = {}; void none;`)).toHaveLength(1);
  });

  it('changes nothing in what it is handed', () => {
    expect(problems(`read<Data<'JOB_STATUS_CHANGE'>>().id = 'x';`)).toHaveLength(1);
    expect(problems(`read<Result<'query-jobs'>>().push();`)).toHaveLength(1);
  });
});
