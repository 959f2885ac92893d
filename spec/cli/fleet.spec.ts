import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeQemu } from 'rx-qmp/testing';
import { serve } from 'rx-qmp/node';
import { Cli, rxQmp } from '../support/cli.js';
import { describeNats, freePort } from '../support/nats.js';

const run = async (env: NodeJS.ProcessEnv, ...args: string[]) => new Cli(args, env).ended();

describeNats('rx-qmp agent', () => {
  let folder: string;
  let servers: { close(): Promise<void> }[];
  let agents: Cli[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rx-qmp-spec-'));
    servers = [];
    agents = [];
  });

  afterEach(async () => {
    for (const agent of agents.reverse()) {
      agent.process.kill('SIGINT');
      await agent.ended();
    }
    await Promise.all(servers.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  });

  async function vm(name: string): Promise<string> {
    const path = join(folder, `${name}.qmp`);
    servers.push(await serve(new FakeQemu().connector, `unix:${path}`));
    return `${name}=unix:${path}`;
  }

  async function agent(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Cli> {
    const cli = new Cli(['agent', ...args], env);
    agents.push(cli);
    await cli.until('stdout', args.includes('--embedded') ? /then:/ : /agent of/);
    return cli;
  }

  it('--embedded takes one command to a fleet of two hosts on one machine (F11)', async () => {
    const first = await agent({}, '--embedded', '--host', 'h1', await vm('vm1'), '--allow', 'stop,cont');
    const [, url = '', viewer = ''] =
      /export RX_QMP_NATS=(\S+) RX_QMP_NATS_CREDS=(\S+\/viewer)/.exec(first.stdout) ?? [];
    const env = { RX_QMP_NATS: url, RX_QMP_NATS_CREDS: viewer.replace(/viewer$/, 'operator') };
    expect(statSync(viewer).mode & 0o777).toBe(0o600);
    expect(first.stdout).toContain(`--creds ${viewer.replace(/viewer$/, 'agent')} --allow stop,cont NAME=ADDRESS`);
    expect(first.stdout + first.stderr).not.toContain(readFileSync(viewer, 'utf8').trim().split(' ')[1]);
    await agent({}, '--host', 'h2', '--nats', url, '--creds', viewer.replace(/viewer$/, 'agent'), await vm('vm2'));

    const listed = (await run(env, 'vms', 'nats:', '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(listed).toMatchObject([
      { name: 'h1/vm1', state: 'ready' },
      { name: 'h2/vm2', state: 'ready' },
    ]);
    expect(await run(env, 'exec', 'nats:h1/vm1', 'stop')).toMatchObject({ code: 0, stdout: '{}\n' });
    const history = await run(env, 'history', 'nats:h1/vm1', '--since', '1h');
    expect(history.stdout).toContain('"event":"STOP"');
    expect(history.stderr).toContain('1 event in the log');
    const refused = await run({ ...env, RX_QMP_NATS_CREDS: viewer }, 'exec', 'nats:h1/vm1', 'cont');
    expect(refused.stderr).toContain('NATS does not let this user publish to qmp1.cmd.h1.vm1.x.cont');
    const second = await run(
      {},
      'agent',
      '--host',
      'h1',
      '--nats',
      url,
      '--creds',
      viewer.replace(/viewer$/, 'agent'),
      'vm3=unix:/nowhere',
    );
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('h1 is served by another agent: process');
  });

  it('says what is missing or not safe (F11)', async () => {
    expect((await rxQmp('agent')).stderr).toContain('no VMs: name some');
    const origin = await rxQmp('agent', 'vm1=unix:/nowhere', '--origin', 'http://localhost:5173');
    expect(origin.stderr).toContain('--origin needs --embedded');
    expect(await rxQmp('vms', 'nats:', '--nats', 'nats://u:secret@127.0.0.1')).toMatchObject({
      code: 2,
      stderr: expect.not.stringContaining('secret') as string,
    });
    expect((await rxQmp('vms', 'nats:', '--nats', 'nats://example.org')).stderr).toContain(
      'beyond loopback must be tls://',
    );
    const nowhere = await rxQmp('vms', 'nats:', '--nats', `nats://127.0.0.1:${await freePort()}`);
    expect(nowhere).toMatchObject({ code: 1 });
    expect(nowhere.stderr).toMatch(/NATS at nats:\/\/127\.0\.0\.1:\d+: /);
  });
});

describe('rx-qmp nats-config', () => {
  it('prints rights, limits and no secret; with --out a key for each user that stays (F10, F12)', async () => {
    const printed = await rxQmp(
      'nats-config',
      '--hosts',
      'h1',
      '--viewer',
      'ann',
      '--operator',
      'bob=h1/vm1',
      '--allow',
      'stop',
    );
    expect(printed.stdout).toContain('password: $NATS_PASSWORD_ANN');
    expect(printed.stdout).toContain('qmp1.cmd.h1.vm1.x.stop');
    for (const limit of ['max_pending: 8MB', 'write_deadline: "5s"', 'max_control_line', 'max_subscriptions']) {
      expect(printed.stdout).toContain(limit);
    }
    const folder = mkdtempSync(join(tmpdir(), 'rx-qmp-spec-'));
    try {
      const words = ['nats-config', '--hosts', 'h1', '--out', folder];
      await rxQmp(...words);
      const seed = readFileSync(join(folder, 'agent-h1'), 'utf8');
      expect(seed).toMatch(/^agent-h1 SU[A-Z2-7]{56}\n$/);
      expect(statSync(join(folder, 'agent-h1')).mode & 0o777).toBe(0o600);
      await rxQmp(...words, '--viewer', 'ann');
      expect(readFileSync(join(folder, 'agent-h1'), 'utf8')).toBe(seed);
      const config = readFileSync(join(folder, 'nats-server.conf'), 'utf8');
      expect(config).toMatch(/nkey: U[A-Z2-7]{55}/);
      expect(config).not.toMatch(/SU[A-Z2-7]{56}/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does not make a server that sends secrets in the clear (F11)', async () => {
    const open = await rxQmp('nats-config', '--hosts', 'h1', '--listen', '0.0.0.0:4222');
    expect(open).toMatchObject({ code: 2, stdout: '' });
    expect(open.stderr).toContain('beyond loopback the server needs --tls-cert and --tls-key');
  });
});
