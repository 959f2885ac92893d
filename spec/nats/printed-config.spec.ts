import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeyAuthenticator } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { FakeQemu } from 'rx-qmp/testing';
import { serve } from 'rx-qmp/node';
import { Cli, rxQmp } from '../support/cli.js';
import { describeNats, freePort, run } from '../support/nats.js';
import { exit } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const TLS = join(__dirname, '../fixtures/tls');

describeNats('the configurations of docs/fleet.md', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let ends: (() => unknown)[];

  beforeEach(() => {
    folder = temporaryFolder();
    ends = [
      () => {
        folder.remove();
      },
    ];
  });

  afterEach(async () => {
    for (const end of ends.reverse()) await end();
  });

  const cli = async (env: NodeJS.ProcessEnv, ...words: string[]) => new Cli(words, env).ended();

  /** `nats-server -t` takes the file, and so does a start of it. */
  async function start(file: string, port: number): Promise<void> {
    const tried = spawnSync('nats-server', ['-t', '-c', file], { encoding: 'utf8' });
    expect({ status: tried.status, said: tried.stderr }).toEqual({
      status: 0,
      said: expect.stringContaining('is valid') as string,
    });
    const server = await run(file, port);
    ends.push(async () => {
      server.kill('SIGKILL');
      await exit(server);
    });
  }

  async function agent(host: string, ...words: string[]): Promise<void> {
    const path = join(folder.path, `${host}.qmp`);
    const served = await serve(new FakeQemu().connector, `unix:${path}`);
    const running = new Cli(['agent', '--host', host, `vm1=unix:${path}`, '--allow', 'stop', ...words], {});
    ends.push(() => served.close());
    ends.push(() => {
      running.process.kill('SIGINT');
      return running.ended();
    });
    await running.until('stdout', /agent of/);
  }

  /** A viewer looks, an operator acts, nobody else comes in. */
  async function tried(url: string, keys: string, ...words: string[]): Promise<void> {
    const as = (user: string, ...more: string[]) =>
      cli({ RX_QMP_NATS: url, RX_QMP_NATS_CREDS: join(keys, user) }, ...more, ...words);
    const listed = await as('ann', 'vms', 'nats:', '--json');
    expect(
      listed.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { name: string }).name)
        .sort(),
    ).toEqual(['h1/vm1', 'h2/vm1']);
    expect(await as('bob', 'exec', 'nats:h2/vm1', 'stop')).toMatchObject({ code: 0, stdout: '{}\n' });
    expect((await as('ann', 'exec', 'nats:h2/vm1', 'stop')).stderr).toContain('NATS does not let this user publish');
    expect((await as('bob', 'exec', 'nats:h1/vm1', 'cont')).stderr).toContain('NATS does not let this user publish');
    const one = await as('guest', 'exec', 'nats:h1/vm1', 'query-status');
    expect(one).toMatchObject({ code: 0 });
    expect((await as('guest', 'exec', 'nats:h2/vm1', 'query-status')).code).toBe(1);
    // Another fleet's key.
    const stranger = join(folder.path, 'stranger');
    await rxQmp('nats-config', '--hosts', 'h1', '--viewer', 'eve', '--out', stranger);
    const refused = await cli(
      { RX_QMP_NATS: url, RX_QMP_NATS_CREDS: join(stranger, 'eve') },
      ...['vms', 'nats:', ...words],
    );
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('Authorization Violation');
  }

  it('one server with users is started; a viewer looks, an operator acts, a stranger is refused (F10, F11)', async () => {
    const port = await freePort();
    const keys = join(folder.path, 'nats');
    const printed = await rxQmp(
      ...['nats-config', '--hosts', 'h1,h2', '--viewer', 'ann,guest=h1/vm1', '--operator', 'bob', '--allow', 'stop'],
      ...['--out', keys, '--listen', `127.0.0.1:${port}`, '--store', join(folder.path, 'store')],
    );
    expect(printed).toMatchObject({ code: 0 });
    await start(join(keys, 'nats-server.conf'), port);
    const url = `nats://127.0.0.1:${port}`;
    for (const host of ['h1', 'h2']) await agent(host, '--nats', url, '--creds', join(keys, `agent-${host}`));
    await tried(url, keys);
  });

  it('three servers with TLS form a cluster, and keep three copies (F10, F11)', async () => {
    const keys = join(folder.path, 'nats');
    const names = ['n1', 'n2', 'n3'];
    const printed = await rxQmp(
      ...['nats-config', '--hosts', 'h1,h2', '--viewer', 'ann,guest=h1/vm1', '--operator', 'bob', '--allow', 'stop'],
      ...['--out', keys, '--listen', '0.0.0.0:4222', '--store', join(folder.path, 'store')],
      ...[
        '--tls-cert',
        join(TLS, 'cert.pem'),
        '--tls-key',
        join(TLS, 'key.pem'),
        '--tls-ca',
        join(TLS, 'cert.pem'),
        '--cluster',
        names.join(),
      ],
    );
    expect(printed).toMatchObject({ code: 0 });
    // All on one machine here: a port and a folder of its own for each, and the names are its loopback.
    const ports = await Promise.all(names.map(freePort));
    const routes = await Promise.all(names.map(freePort));
    for (const [at, name] of names.entries()) {
      const store = join(folder.path, name);
      mkdirSync(store);
      const text = names.reduce(
        (whole, other, to) => whole.replace(`nats://${other}:6222`, `nats://localhost:${routes[to] ?? 0}`),
        readFileSync(join(keys, `${name}.conf`), 'utf8')
          .replace('"0.0.0.0:4222"', `"127.0.0.1:${ports[at] ?? 0}"`)
          .replace('"0.0.0.0:6222"', `"127.0.0.1:${routes[at] ?? 0}"`)
          .replace(join(folder.path, 'store'), store),
      );
      writeFileSync(join(keys, `${name}.conf`), text);
    }
    await Promise.all(names.map((name, at) => start(join(keys, `${name}.conf`), ports[at] ?? 0)));
    const url = ports.map((port) => `tls://localhost:${port}`).join();
    const ca = ['--tls-ca', join(TLS, 'cert.pem')];
    for (const host of ['h1', 'h2']) await agent(host, '--nats', url, '--creds', join(keys, `agent-${host}`), ...ca);
    await tried(url, keys, ...ca);
    const { num_replicas } = await configOf(`localhost:${ports[0] ?? 0}`, join(keys, 'agent-h1'));
    expect(num_replicas).toBe(3);
  });
});

/** Of the log, as the agent sees it. */
async function configOf(server: string, file: string): Promise<StreamConfig> {
  const [user = '', seed = ''] = readFileSync(file, 'utf8').trim().split(' ');
  const nats = await connect({
    ...{ servers: server, authenticator: nkeyAuthenticator(Buffer.from(seed)), inboxPrefix: `_INBOX_${user}` },
    tls: { caFile: join(TLS, 'cert.pem') },
  });
  try {
    return (await (await jetstreamManager(nats, { checkAPI: false })).streams.info('QMP')).config;
  } finally {
    await nats.close();
  }
}
