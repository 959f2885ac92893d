import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { QmpClient } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { Cli, rxQmp } from '../support/cli.js';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';

describeQemu('rx-qmp watch', () => {
  let qemu: Qemu;
  /** On a second monitor, since the first serves the watcher. */
  let client: QmpClient;

  beforeEach(async () => {
    qemu = await startQemu(['-qmp', 'unix:steer,server=on,wait=off']);
    client = await connect(`unix:${join(dirname(qemu.path), 'steer')}`);
  });
  afterEach(async () => {
    await client.close();
    await qemu.stop();
  });

  /** A watcher that is known to listen, since it has printed an event. */
  async function watch(...options: string[]): Promise<Cli> {
    const cli = new Cli(['watch', qemu.address, ...options]);
    const output = { begun: false };
    const printed = cli.until('stdout', /\n/).then(() => {
      output.begun = true;
    });
    while (!output.begun) {
      await client.execute('stop');
      await client.execute('cont');
      await Promise.race([printed, client.execute('query-status')]);
    }
    return cli;
  }

  const events = (stdout: string): { vm: string; event: string; data?: { id?: string } }[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { vm: string; event: string });

  it('prints each event as a line of JSON in a pipe, and ends on Ctrl-C with the number seen (row 54)', async () => {
    const cli = await watch('--event', 'STOP,RESUME');
    await client.execute('system_wakeup').catch(() => undefined);
    await client.execute('stop');
    await client.execute('cont');
    await cli.until('stdout', /"STOP".*\n.*"RESUME".*\n$/);
    cli.process.kill('SIGINT');
    const { code, stdout, stderr } = await cli.ended();
    const seen = events(stdout);
    expect(code).toBe(0);
    expect(seen.slice(-2)).toMatchObject([
      { vm: qemu.address, event: 'STOP' },
      { vm: qemu.address, event: 'RESUME' },
    ]);
    expect(stderr).toBe(`${qemu.address}: watching STOP, RESUME\n${seen.length} events seen\n`);
  });

  it('prints only what --where asks for', async () => {
    const cli = new Cli(['watch', qemu.address, '--where', 'data.id=two', '--where', 'data.status=concluded']);
    const create = async (id: string): Promise<void> => {
      const job = client.listener('JOB_STATUS_CHANGE', ({ data }) => data.id === id && data.status === 'concluded');
      const options = { driver: 'file', filename: `${qemu.path}.img`, size: 65536 } as const;
      await client.execute('blockdev-create', { 'job-id': id, options });
      await job.get({ timeout: 5_000 });
      job.close();
      await client.execute('job-dismiss', { id });
    };
    const output = { begun: false };
    void cli.until('stdout', /\n/).then(() => {
      output.begun = true;
    });
    while (!output.begun) {
      await create('one');
      await create('two');
    }
    cli.process.kill('SIGTERM');
    const { stdout } = await cli.ended();
    expect(new Set(events(stdout).map(({ event, data }) => `${event} ${data?.id ?? ''}`))).toEqual(
      new Set(['JOB_STATUS_CHANGE two']),
    );
  });

  it('asks QEMU for an event that it does not know itself, and suggests the one that was meant', async () => {
    const { code, stderr } = await rxQmp('watch', qemu.address, '-e', 'STOP', '-e', 'STPO');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `${qemu.address}: watching STOP, STPO\nrx-qmp: ${qemu.address} has no event STPO; did you mean STOP?\n`,
    });
  });

  it('ends after --count events, chosen by a pattern', async () => {
    const cli = new Cli(['watch', '-e', 'ST*,NIC_*', '--count', '2', qemu.address]);
    await cli.until('stderr', /watching/);
    for (let round = 0; round < 3; round += 1) {
      await client.execute('stop');
      await client.execute('cont');
    }
    const { code, stdout, stderr } = await cli.ended();
    expect({ code, events: events(stdout).map(({ event }) => event) }).toEqual({ code: 0, events: ['STOP', 'STOP'] });
    expect(stderr).toMatch(/\n2 events seen\n$/);
  });

  it('ends after --timeout, with exit code 1 where --count asked for more', async () => {
    const watching = `${qemu.address}: watching STOP\n0 events seen\n`;
    expect(await rxQmp('watch', '-e', 'STOP', '--timeout', '2', qemu.address)).toMatchObject({
      code: 0,
      stderr: watching,
    });
    expect(await rxQmp('watch', '-e', 'STOP', '--timeout', '2', '-n', '1', qemu.address)).toMatchObject({
      code: 1,
      stderr: watching,
    });
  });

  it('says that the VM has quit, which is no error', async () => {
    const cli = await watch();
    await client.execute('quit');
    expect(await cli.ended()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/: the VM has quit\n\d+ events? seen\n$/) as string,
    });
  });

  it('says that the connection is lost, with exit code 1', async () => {
    const cli = await watch();
    await qemu.kill();
    const { code, stderr } = await cli.ended();
    expect(code).toBe(1);
    expect(stderr).toMatch(/the connection is lost.*\n\d+ events? seen\n$/s);
  });
});

describe('rx-qmp watch', () => {
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  /** A server that greets, and sends these lines once it is asked for the capabilities: the first to its first client, … */
  async function serve(...sessions: readonly (readonly string[])[]): Promise<string> {
    const next = sessions.values();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      const version = { qemu: { major: 7, minor: 2, micro: 0 }, package: '' };
      socket.write(`${JSON.stringify({ QMP: { version, capabilities: [] } })}\n`);
      socket.once('data', () => {
        socket.end(['{"return": {}, "id": 1}', ...(next.next().value ?? []), ''].join('\n'));
      });
    }).listen(0, '127.0.0.1');
    servers.add(server);
    await once(server, 'listening');
    return `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const event = (name: string, data: object): string =>
    JSON.stringify({ event: name, timestamp: { seconds: 1, microseconds: 0 }, data });
  const SHUTDOWN = event('SHUTDOWN', { guest: false, reason: 'host-signal' });

  it('escapes what a server could steer a terminal with (§9)', async () => {
    const { code, stdout, stderr } = await rxQmp(
      'watch',
      await serve([event('\u001b[31mEVIL', { x: '\u009b2J' }), SHUTDOWN]),
    );
    expect(stdout).toContain(String.raw`\u001b[31mEVIL`);
    expect(stdout).toContain(String.raw`\u009b2J`);
    expect({ code, stderr: stderr.split('\n').slice(-3) }).toEqual({
      code: 0,
      stderr: [expect.stringMatching(/the VM has quit$/), '2 events seen', ''],
    });
  });

  it('watches several VMs, and names them', async () => {
    const [one, two] = await Promise.all([serve([event('A', {}), SHUTDOWN]), serve([event('B', {}), SHUTDOWN])]);
    const { code, stdout, stderr } = await rxQmp('watch', '-e', 'A', one, '-e', 'B', two);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toHaveLength(2);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ vm: one, event: 'A' }),
        expect.objectContaining({ vm: two, event: 'B' }),
      ]),
    );
    expect({ code, seen: /(\d+) events seen/.exec(stderr)?.[1] }).toEqual({ code: 0, seen: '2' });
  });

  it('connects again after a loss with --reconnect, and tells the gap', async () => {
    const cli = new Cli(['watch', '--reconnect', await serve([event('BEFORE', {})], [event('AFTER', {})])]);
    await cli.until('stdout', /BEFORE.*\n.*AFTER.*\n/);
    cli.process.kill('SIGINT');
    const { code, stderr } = await cli.ended();
    expect(code).toBe(0);
    expect(stderr).toMatch(/connected again; what happened between [\d:.]+ and [\d:.]+ is not known/);
  });

  it('says that it was not connected in time, with exit code 1', async () => {
    const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    servers.add(server);
    await once(server, 'listening');
    const silent = `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await rxQmp('watch', '--timeout', '0.1', silent)).toMatchObject({
      code: 1,
      stderr: `${silent}: not connected in time\n0 events seen\n`,
    });
  });

  it('prints integers exactly', async () => {
    const line =
      '{"event": "BIG", "timestamp": {"seconds": 1, "microseconds": 0}, "data": {"x": 18446744073709551615}}';
    const { stdout } = await rxQmp('watch', await serve([line, SHUTDOWN]));
    expect(stdout).toContain('"x":18446744073709551615');
  });

  it('reports rubbish and goes on', async () => {
    const { code, stdout, stderr } = await rxQmp('watch', await serve(['rubbish', SHUTDOWN]));
    expect(stderr).toMatch(/no JSON object was dropped: "rubbish"/);
    expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 1 });
  });

  it('ends quietly when its reader has gone, as in `| head`', async () => {
    const cli = new Cli([
      'watch',
      await serve(Array.from({ length: 50_000 }, (_, n) => event('MANY', { n }))),
      '--json',
    ]);
    await cli.until('stdout', /\n/);
    cli.process.stdout.destroy();
    const { stderr } = await cli.ended();
    expect(stderr).not.toMatch(/EPIPE|at /);
  });

  it('has exit code 1 if it cannot connect', async () => {
    const { code, stderr } = await rxQmp('watch', 'unix:/no/such.sock');
    expect(code).toBe(1);
    expect(stderr).toMatch(/no such socket.*\n0 events seen\n$/s);
  });
});
