import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import * as api from 'rx-qmp';

const SRC = join(__dirname, '../src');

const GROUND = ['foundation', 'protocol', 'transport', 'bus', 'client'];
const ROOMS = ['tasks', 'machine', 'guest', 'libvirt', 'gateway'];

/** Who may import whom, type imports included; `hub` and `fleet`, the two doors, do not know each other. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  foundation: [],
  protocol: ['foundation'],
  transport: ['foundation', 'protocol'],
  bus: ['foundation', 'protocol', 'transport'],
  client: ['foundation', 'protocol', 'transport', 'bus'],
  tasks: GROUND,
  guest: [...GROUND, 'tasks'],
  machine: [...GROUND, 'guest', 'tasks'],
  libvirt: [...GROUND, 'guest', 'tasks'],
  gateway: [...GROUND, 'guest', 'tasks'],
  hub: [...GROUND, ...ROOMS],
  fleet: [...GROUND, ...ROOMS],
  testing: [...GROUND, ...ROOMS, 'hub', 'fleet'],
  angular: [...GROUND, ...ROOMS, 'hub', 'fleet', 'testing'],
  generate: ['foundation', 'protocol'],
  cli: [...GROUND, ...ROOMS, 'hub', 'fleet', 'testing', 'generate', 'entry'],
};

/** What runs in browsers too imports types alone of what may use Node. */
const TYPES_ONLY: readonly { readonly from: string; readonly of: readonly string[] }[] = [
  { from: 'hub/client/', of: ['gateway/', 'fleet/'] },
  { from: 'fleet/client/', of: ['gateway/'] },
  { from: 'angular/', of: ['gateway/', 'fleet/agent/'] },
];

const ENTRIES = [
  ...['index.ts', 'node.ts', 'testing.ts', 'angular.ts', 'angular-testing.ts', 'angular-fleet.ts'],
  ...['guest.ts', 'libvirt.ts', 'descriptors.ts', 'fleet.ts', 'agent.ts'],
];
const NODE_ENTRIES = ['node.ts', 'libvirt.ts', 'descriptors.ts', 'agent.ts'];
const NODE_ROOMS = [
  ...['transport/node/', 'client/node/', 'machine/', 'libvirt/', 'gateway/'],
  ...['hub/server/', 'hub/node/', 'hub/dashboard/', 'fleet/agent/', 'cli/', 'generate/'],
];
const NODE_ONLY = [...NODE_ROOMS, ...NODE_ENTRIES];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** What a file imports: files relative to src, and the names of packages. */
function importsOf(file: string): { files: string[]; packages: string[] } {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(SRC, file), 'utf8'), true, true);
  const names = importedFiles.map(({ fileName }) => fileName);
  return {
    files: names
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(SRC, join(SRC, dirname(file), name)).replace(/\.js$/, '.ts')),
    packages: names.filter((name) => !name.startsWith('.')),
  };
}

/** The files it imports that remain once the types are stripped. */
function valueImportsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const names = source.statements.flatMap((statement) => {
    if (ts.isImportDeclaration(statement)) {
      return statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? [] : [statement.moduleSpecifier];
    }
    if (ts.isExportDeclaration(statement)) {
      return statement.isTypeOnly || !statement.moduleSpecifier ? [] : [statement.moduleSpecifier];
    }
    return [];
  });
  return names
    .map((name) => (name as ts.StringLiteral).text)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(SRC, join(SRC, dirname(file), name)).replace(/\.js$/, '.ts'));
}

function layerOf(file: string): string {
  const [folder, ...rest] = file.split('/');
  if (folder && rest.length > 0) return folder;
  return 'entry';
}

function reachableFrom(entry: string): string[] {
  const reached = new Set([entry]);
  for (const file of reached) for (const imported of importsOf(file).files) reached.add(imported);
  return [...reached];
}

const isNode = (name: string): boolean => name.startsWith('node:') || builtinModules.includes(name);

describe('the sources', () => {
  it('have nothing but entry points at the root, and only folders that this spec knows', () => {
    expect(files.filter((file) => !file.includes('/') && !ENTRIES.includes(file))).toEqual([]);
    expect([...new Set(files.map(layerOf))].filter((layer) => layer !== 'entry' && !(layer in MAY_IMPORT))).toEqual([]);
  });

  it('depend on each other in one direction', () => {
    const wrong = files
      .filter((file) => layerOf(file) !== 'entry')
      .flatMap((file) => {
        const layer = layerOf(file);
        const allowed = [layer, ...(MAY_IMPORT[layer] ?? [])];
        return importsOf(file)
          .files.filter((imported) => !allowed.includes(layerOf(imported)))
          .map((imported) => `${file} imports ${imported}`);
      });
    expect(wrong).toEqual([]);
  });

  it('import only files that exist, by their names in full', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .files.filter((imported) => !files.includes(imported))
        .map((imported) => `${file} imports ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  it('import each other in no circle', () => {
    expect(
      files.filter((file) => importsOf(file).files.some((imported) => reachableFrom(imported).includes(file))),
    ).toEqual([]);
  });

  it.each(TYPES_ONLY)('import types only from $from of $of', ({ from, of }) => {
    const wrong = files
      .filter((file) => file.startsWith(from))
      .flatMap((file) => valueImportsOf(file).map((imported) => ({ file, imported })))
      .filter(({ imported }) => of.some((place) => imported.startsWith(place)));
    expect(wrong).toEqual([]);
  });

  it('leave what needs Node to files that may use it', () => {
    const wrong = files
      .filter((file) => !NODE_ONLY.some((place) => file.startsWith(place)))
      .flatMap((file) => valueImportsOf(file).map((imported) => `${file} imports ${imported}`))
      .filter((line) => NODE_ROOMS.some((place) => line.split(' imports ')[1]?.startsWith(place)));
    expect(wrong).toEqual([]);
  });

  it('use Node in the rooms made for it only', () => {
    const wrong = files.filter(
      (file) => !NODE_ONLY.some((place) => file.startsWith(place)) && importsOf(file).packages.some(isNode),
    );
    expect(wrong).toEqual([]);
  });

  it.each(ENTRIES.filter((entry) => files.includes(entry) && !NODE_ENTRIES.includes(entry)))(
    'reach no Node from %s, and no package but a peer',
    (entry) => {
      const peers = ['rxjs', ...(entry === 'testing.ts' ? ['rxjs/testing'] : [])];
      const allowed = (name: string): boolean =>
        peers.includes(name) ||
        (entry.startsWith('angular') && name === '@angular/core') ||
        (entry.startsWith('angular') && name === 'rxjs/testing') ||
        (entry.includes('fleet') && name.startsWith('@nats-io/'));
      const wrong = reachableFrom(entry).flatMap((file) =>
        importsOf(file)
          .packages.filter((name) => !allowed(name))
          .map((name) => `${file} imports ${name}`),
      );
      expect(wrong).toEqual([]);
    },
  );

  it('name NATS in the fleet only, koffi in the descriptors only', () => {
    const naming = (name: string): string[] =>
      files.filter((file) => importsOf(file).packages.some((imported) => imported.startsWith(name)));
    expect(naming('@nats-io/').filter((file) => !file.startsWith('fleet/') && !file.startsWith('cli/'))).toEqual([]);
    expect(naming('koffi').filter((file) => !file.startsWith('transport/node/'))).toEqual([]);
  });

  it('are in small files', () => {
    const long = files
      .filter((file) => !file.startsWith('protocol/qapi/') && !file.startsWith('protocol/qga/'))
      .map((file) => [readFileSync(join(SRC, file), 'utf8').split('\n').length - 1, file] as const)
      .filter(([lines]) => lines > 300);
    expect(long).toEqual([]);
  });

  it('are in kebab-case files, none of them a drawer for everything', () => {
    expect(files.filter((file) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file))).toEqual([]);
    expect(files.filter((file) => /(^|\/|-)(utils?|helpers?|misc|common)(-|\.|\/)/.test(file))).toEqual([]);
  });

  it("keep a listener's life inside the bus", () => {
    const wrong = files.filter(
      (file) => layerOf(file) !== 'bus' && /\blifeOf\b/.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(wrong).toEqual([]);
  });
});

describe('rx-qmp', () => {
  it('exports every name of the contract that is a value', () => {
    const bus = ['EventBus', 'EventListener', 'ScopedListener', 'JobListener', 'ofEvent', 'timeOf'];
    const client = ['QmpClient', 'backoff'];
    const guards = ['isEvent', 'isErrorReply', 'isGreeting', 'isSuccessReply'];
    const errors = [
      ...['QmpError', 'ListenerError', 'LagError', 'EventTimeoutError', 'StateError', 'ConnectError', 'JobError'],
      ...['DisconnectedError', 'ProtocolError', 'GreetingError', 'NegotiationError'],
      ...['ExecuteError', 'ExecInterruptedError', 'ExecTimeoutError'],
    ];
    expect(Object.keys(api)).toEqual(expect.arrayContaining([...bus, ...client, ...guards, ...errors]));
  });

  it('exports every name of the contract that is a type', () => {
    const text = readFileSync(join(SRC, 'index.ts'), 'utf8');
    const types = [
      ...['EventBusOptions', 'ListenerOptions', 'ReadOptions', 'ListenScope', 'Diagnostic', 'Logger'],
      ...['EventFilter', 'EventNames', 'EventMap', 'CommandMap', 'EventName', 'CommandName'],
      ...['QmpEvent', 'UnlistedEvent', 'Message', 'Greeting', 'Timestamp', 'SuccessReply', 'ErrorReply'],
      ...['QmpClientOptions', 'ExecuteOptions', 'CommandResult', 'ConnectionState', 'Gap', 'ClientStats', 'Traffic'],
      ...['Connection', 'Connector', 'ReconnectPolicy'],
    ];
    expect(types.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  it('has errors of one family, each with its literal name (errors)', () => {
    const family = Object.entries(api).filter(([name]) => name.endsWith('Error'));
    for (const [name, value] of family) {
      const { prototype } = value as unknown as { prototype: Error };
      expect([name, prototype instanceof api.QmpError || name === 'QmpError']).toEqual([name, true]);
    }
    expect(new api.ListenerError('x').name).toBe('ListenerError');
    expect(new api.LagError('x', 5)).toMatchObject({ name: 'LagError', missed: 5 });
    expect(new api.EventTimeoutError('x', 5)).toMatchObject({ name: 'EventTimeoutError', timeout: 5 });
    expect(new api.DisconnectedError('x', { cause: 'y' })).toMatchObject({ name: 'DisconnectedError', cause: 'y' });
    expect(api.GreetingError.prototype).toBeInstanceOf(api.ProtocolError);
    expect(api.NegotiationError.prototype).toBeInstanceOf(api.ProtocolError);
  });
});
