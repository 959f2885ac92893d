import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './support/temporary-folder.js';

const run = promisify(execFile);
const root = join(__dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

/** What somebody gets who installs the package: packed, and installed into an empty project. */
describe('the packed package', () => {
  const folder = temporaryFolder();
  const project = folder.path;
  let tarball: string;

  beforeAll(async () => {
    // Built by Jest's global set-up.
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: root });
    tarball = join(project, readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '');
    writeFileSync(join(project, 'package.json'), '{ "private": true }');
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const peers = ['rxjs', 'typescript', '@types/node'].map((name) => `${name}@${devDependencies[name] ?? ''}`);
    const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
    await run('npm', ['install', ...quietly, tarball, ...peers], { cwd: project });
  }, 120_000);

  afterAll(() => {
    folder.remove();
  });

  async function node(file: string, text: string): Promise<string> {
    writeFileSync(join(project, file), text);
    return (await run(process.execPath, [file], { cwd: project })).stdout.trim();
  }

  const USE = `
    const source$ = new Subject();
    const bus = new EventBus(source$);
    bus.observe('STOP').subscribe((event) => console.log(event.event));
    source$.next(event('STOP'));
    console.log(typeof connect, typeof FakeQemu);
  `;

  it('works by import', async () => {
    const imports = `
      import { Subject } from 'rxjs';
      import { EventBus } from 'rx-qmp';
      import { connect } from 'rx-qmp/node';
      import { event, FakeQemu } from 'rx-qmp/testing';`;
    expect(await node('use.mjs', imports + USE)).toBe('STOP\nfunction function');
  });

  it('works by require, with the same classes', async () => {
    const requires = `
      const { Subject } = require('rxjs');
      const { EventBus } = require('rx-qmp');
      const { connect } = require('rx-qmp/node');
      const { event, FakeQemu } = require('rx-qmp/testing');
      import('rx-qmp').then((esm) => console.log(esm.EventBus === EventBus));`;
    expect(await node('use.cjs', requires + USE)).toBe('STOP\nfunction function\ntrue');
  });

  it('has the command rx-qmp', async () => {
    const { stdout } = await run(join(project, 'node_modules', '.bin', 'rx-qmp'), ['--help']);
    expect(stdout).toMatch(/Usage: rx-qmp .*Examples:/s);
  });

  it('says what to install where a command needs an optional package', async () => {
    const command = [join(project, 'node_modules', '.bin', 'rx-qmp'), 'exec', 'nats:h1/vm1', 'query-status'];
    const env = { ...process.env, RX_QMP_NATS: 'nats://127.0.0.1:1' };
    const failed = run(process.execPath, command, { env });
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /needs @nats-io\/\S+, which is not installed: npm install @nats-io\/nats-core@3\.3 /,
      ) as string,
    });
  });

  it('has types that compile strictly, without the DOM library and with skipLibCheck off', async () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { EventListener, QmpClient, type EventMap } from 'rx-qmp';
       import { connect, unixSocket } from 'rx-qmp/node';
       import { FakeQemu } from 'rx-qmp/testing';
       declare module 'rx-qmp' { interface EventMap { VENDOR_EVENT: { readonly n: number } } }
       export const listener = new EventListener('VENDOR_EVENT', ({ data }) => data.n > 1);
       // @ts-expect-error -- no such event
       export const wrong = new EventListener('VENDOR_EVENTS');
       export const client = new QmpClient(new FakeQemu().connector);
       export const status = async (): Promise<string> => (await (await connect('unix:/x')).execute('query-status')).status;
       export const data: EventMap['VENDOR_EVENT'] = { n: 1 };
       export { unixSocket };`,
    );
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--lib',
      'es2022',
      '--types',
      'node',
    ];
    const { stdout } = await run(bin('tsc'), [...options, '--skipLibCheck', 'false', 'typed.ts'], { cwd: project });
    expect(stdout).toBe('');
  });

  it('passes publint', async () => {
    const { stdout } = await run(bin('publint'), [tarball, '--strict'], { cwd: project });
    expect(stdout).toContain('All good!');
  });

  it('passes arethetypeswrong', async () => {
    // It fails, by its exit code, for a resolution that the profile does not ignore.
    const { stdout } = await run(bin('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii'], {
      cwd: project,
    });
    expect(stdout).toContain('node16 (from ESM): 🟢 (ESM)');
  });

  it('has the sources, so that an editor that goes to a definition ends in code', () => {
    const installed = join(project, 'node_modules/rx-qmp');
    const maps = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.d.ts.map') && !name.startsWith('cli/'),
    );
    expect(maps.length).toBeGreaterThan(100);
    const missing = maps.filter((name) => {
      const path = join(installed, 'dist', name);
      const { sources } = JSON.parse(readFileSync(path, 'utf8')) as { sources: string[] };
      return !sources.every((source) => existsSync(join(dirname(path), source)));
    });
    expect(missing).toEqual([]);
  });

  it('holds nothing but what is needed', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball]);
    const strays = stdout
      .trim()
      .split('\n')
      .filter(
        (name) =>
          !/^package\/(dist\/.+\.(js|d\.ts)(\.map)?|src\/(?!cli\/).+\.ts|dist\/cli\/(main\.cjs|LICENSES\.txt)|dist\/dashboard\/[\w.-]+\.(html|css|json|txt)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(
            name,
          ),
      );
    expect(strays).toEqual([]);
  });

  it('leads an editor from a declaration to its source', () => {
    const map = JSON.parse(readFileSync(join(root, 'dist/bus/event-bus.d.ts.map'), 'utf8')) as { sources: string[] };
    expect(map.sources).toEqual(['../../src/bus/event-bus.ts']);
  });
});
