import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import * as api from 'rx-qmp';

const SRC = join(__dirname, '../src');

/** Who may import whom; a file at the root of src that is no entry point is a foundation. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  foundation: [],
  protocol: ['foundation'],
  bus: ['foundation', 'protocol'],
  client: ['foundation', 'protocol', 'bus'],
  transport: ['foundation', 'protocol', 'bus', 'client'],
  testing: ['foundation', 'protocol', 'bus', 'client'],
  hub: ['foundation', 'protocol', 'bus', 'client', 'transport'],
  angular: ['foundation', 'protocol', 'bus', 'client', 'transport', 'testing'],
  cli: ['foundation', 'protocol', 'bus', 'client', 'transport', 'testing', 'hub', 'entry'],
};

const FOUNDATION = ['abort.ts', 'checks.ts', 'disposal.ts', 'errors.ts', 'logger.ts'];
const ENTRIES = ['index.ts', 'node.ts', 'testing.ts', 'angular.ts'];
const NODE_ONLY = ['transport/node/', 'cli/', 'hub/', 'node.ts'];

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

function layerOf(file: string): string {
  const [folder, ...rest] = file.split('/');
  if (folder && rest.length > 0) return folder;
  return ENTRIES.includes(file) ? 'entry' : 'foundation';
}

function reachableFrom(entry: string): string[] {
  const reached = new Set([entry]);
  for (const file of reached) for (const imported of importsOf(file).files) reached.add(imported);
  return [...reached];
}

const isNode = (name: string): boolean => name.startsWith('node:') || builtinModules.includes(name);

describe('the sources', () => {
  it('have the entry points, foundations and folders that this spec knows', () => {
    const root = files.filter((file) => !file.includes('/'));
    expect(root.filter((file) => !FOUNDATION.includes(file) && !ENTRIES.includes(file))).toEqual([]);
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

  it('use Node in transport/node, cli, hub and node.ts only', () => {
    const wrong = files.filter(
      (file) => !NODE_ONLY.some((place) => file.startsWith(place)) && importsOf(file).packages.some(isNode),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['index.ts', 'testing.ts', 'angular.ts'])('reach no Node from %s, and no package but a peer', (entry) => {
    if (!files.includes(entry)) return;
    const peers = entry === 'angular.ts' ? ['rxjs', '@angular/core'] : ['rxjs', 'rxjs/testing'];
    const wrong = reachableFrom(entry).flatMap((file) =>
      importsOf(file)
        .packages.filter((name) => !peers.includes(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are in small files', () => {
    const long = files
      .filter((file) => !file.startsWith('protocol/qapi/'))
      .map((file) => [readFileSync(join(SRC, file), 'utf8').split('\n').length - 1, file] as const)
      .filter(([lines]) => lines > 310);
    expect(long).toEqual([]);
  });

  it('are in kebab-case files, none of them a drawer for everything', () => {
    expect(files.filter((file) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file))).toEqual([]);
    expect(files.filter((file) => /(^|\/|-)(utils?|helpers?|misc|common)(-|\.|\/)/.test(file))).toEqual([]);
  });

  it('keep what is `internals` inside the bus', () => {
    const wrong = files.filter(
      (file) => layerOf(file) !== 'bus' && /\binternals\b/.test(readFileSync(join(SRC, file), 'utf8')),
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
      ...['EventFilter', 'EventNames', 'NameIn', 'EventMap', 'CommandMap', 'EventName', 'CommandName'],
      ...['QmpEvent', 'UnlistedEvent', 'Message', 'Greeting', 'Timestamp', 'SuccessReply', 'ErrorReply'],
      ...['QmpClientOptions', 'ExecuteOptions', 'CommandResult', 'ConnectionState', 'Gap', 'ClientStats', 'Traffic'],
      ...['Connection', 'Connector', 'ReconnectPolicy'],
    ];
    expect(types.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  it('has errors of one family, each with its literal name (design, errors)', () => {
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
