import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { lastValueFrom, take, toArray } from 'rxjs';
import { backoff, QmpClient, type ConnectError, type ExecInterruptedError } from 'rx-qmp';
import { accept, accept$, connect, streams } from 'rx-qmp/node';
import { namesIn } from '../support/bus-events.js';
import { describeQemu, exit, socketAt, startQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PLAIN = ['-machine', 'none', '-nodefaults', '-display', 'none'];

/** A QEMU that dials, or speaks on its own streams. */
function spawnQemu(...args: string[]): { process: ChildProcess; gone: Promise<string> } {
  const process = spawn('qemu-system-x86_64', [...PLAIN, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  return { process, gone: exit(process) };
}

/** The client's state once it is closed. */
function closed(client: QmpClient): Promise<QmpClient['state']> {
  return new Promise((resolve) => {
    client.state$.subscribe((state) => {
      if (state.phase === 'closed') resolve(state);
    });
  });
}

describeQemu('connections to a real QEMU', () => {
  describe('a busy monitor', () => {
    it('greets one client at a time; the time-out of the next names it, a later one gets EAGAIN (fact 2, go-qemu#206, #214)', async () => {
      const qemu = await startQemu();
      const first = await connect(qemu.address);
      const failures: ConnectError[] = [];
      for (let count = 0; count < 4; count += 1) {
        const error: unknown = await connect(qemu.address, { connectTimeout: 60 }).catch((reason: unknown) => reason);
        failures.push(error as ConnectError);
      }
      expect(failures[0]).toMatchObject({
        name: 'ConnectError',
        phase: 'negotiating',
        cause: { name: 'GreetingError' },
      });
      expect(failures[0]?.message).toMatch(/not greeted within 60 ms.*one client at a time/);
      expect(failures.at(-1)).toMatchObject({ phase: 'connecting', cause: { code: 'EAGAIN' } });
      expect(failures.at(-1)?.message).toContain('the monitor is busy');
      // Those who gave up are in the queue still; QEMU passes over them, in a moment.
      await first.close();
      const next = await connect(qemu.address, { reconnect: backoff({ from: 5, to: 50 }) });
      expect(await next.execute('query-status')).toHaveProperty('running');
      await next.close();
      await qemu.stop();
    });

    it('greets who waits as soon as the one before has left', async () => {
      const qemu = await startQemu();
      const first = await connect(qemu.address);
      const waiting = connect(qemu.address);
      await first.close();
      const second = await waiting;
      expect(second.state.phase).toBe('ready');
      await second.close();
      await qemu.stop();
    });
  });

  describe('a stopped process', () => {
    it('costs time-outs, never a hang; what it answers later is swallowed (incus#3558, go-qemu#206)', async () => {
      const qemu = await startQemu(['-qmp', 'unix:second,server=on,wait=off']);
      const client = await connect(qemu.address, { executeTimeout: 60 });
      qemu.process.kill('SIGSTOP');
      await expect(client.execute('stop')).rejects.toMatchObject({ name: 'ExecTimeoutError' });
      await expect(connect(qemu.address.replace('/qmp', '/second'), { connectTimeout: 60 })).rejects.toMatchObject({
        phase: 'negotiating',
      });
      const stopped = client.listener('STOP').get();
      qemu.process.kill('SIGCONT');
      await stopped;
      expect(await client.execute('query-status', undefined, { timeout: 5_000 })).toMatchObject({ running: false });
      expect(client.stats).toMatchObject({ pending: 0, faults: 0 });
      qemu.process.kill('SIGSTOP');
      await client.disconnect();
      await client.close();
      await qemu.stop();
    });
  });

  describe('the end of QEMU', () => {
    it('by SIGKILL is a loss: pending commands, reads and observe() hear of it at once (C4, C7, node-qemu)', async () => {
      const qemu = await startQemu();
      const client = await connect(qemu.address);
      qemu.process.kill('SIGSTOP');
      const pending = [client.execute('query-status'), client.execute('stop')];
      const reading = client.events.get();
      const observed = lastValueFrom(client.observe().pipe(toArray()));
      for (const one of [...pending, reading, observed]) one.catch(() => undefined);
      await qemu.kill();
      for (const one of pending) {
        const error = (await one.catch((reason: unknown) => reason)) as ExecInterruptedError;
        expect(error).toMatchObject({ name: 'ExecInterruptedError', cause: { name: 'DisconnectedError' } });
      }
      await expect(reading).rejects.toMatchObject({ name: 'DisconnectedError' });
      await expect(observed).rejects.toMatchObject({ name: 'DisconnectedError' });
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
      await client.close();
    });

    it('by quit is orderly, each time (fact 5, C7)', async () => {
      for (let count = 0; count < 6; count += 1) {
        const qemu = await startQemu();
        const client = await connect(qemu.address);
        const events = lastValueFrom(client.observe('SHUTDOWN').pipe(toArray()));
        expect(await client.execute('quit')).toEqual({});
        // Another command on the way makes QEMU leave something unread: ECONNRESET.
        client.execute('query-status').catch(() => undefined);
        expect(namesIn(await events)).toEqual(['SHUTDOWN']);
        expect(await closed(client)).toMatchObject({ phase: 'closed', shutdown: { reason: 'host-qmp-quit' } });
        expect(client.state).not.toHaveProperty('cause');
        await client.close();
        await qemu.stop();
      }
    });

    it('by SIGTERM is orderly: SHUTDOWN was the last word (C7)', async () => {
      const qemu = await startQemu();
      const client = await connect(qemu.address);
      const over = closed(client);
      await qemu.stop();
      const state = await over;
      expect(state).toMatchObject({ phase: 'closed', shutdown: { guest: false, reason: 'host-signal' } });
      expect(state).not.toHaveProperty('cause');
      await client.close();
    });
  });

  describe('the end of QEMU, with something after SHUTDOWN,', () => {
    it('by quit on the monitor for people is orderly: the reply comes last (C7)', async () => {
      const qemu = await startQemu();
      const client = await connect(qemu.address);
      const over = closed(client);
      await client.execute('human-monitor-command', { 'command-line': 'quit' });
      expect(await over).not.toHaveProperty('cause');
      await client.close();
      await qemu.stop();
    });

    it('during a block job is orderly: QEMU cancels the job while it exits (C7)', async () => {
      const qemu = await startQemu();
      const client = await connect(qemu.address);
      for (const name of ['a', 'b']) {
        await client.execute('blockdev-add', { driver: 'null-co', 'node-name': name, size: 1 << 30 });
      }
      await client.execute('blockdev-mirror', { 'job-id': 'j', device: 'a', target: 'b', sync: 'full', speed: 1_000 });
      client.events.clear();
      const over = closed(client);
      await qemu.stop();
      expect(await over).not.toHaveProperty('cause');
      const names = namesIn(client.events.clear());
      expect(names[0]).toBe('SHUTDOWN');
      expect(names).toContain('JOB_STATUS_CHANGE');
      await client.close();
    });
  });

  describe('reconnect', () => {
    it('carries listeners over a restart of QEMU, and tells of the gap (C8, rows 27 and 48)', async () => {
      const first = await startQemu();
      const client = await connect(first.address, { reconnect: { delay: () => 20 } });
      const stops = client.listener('STOP');
      await client.execute('stop');
      const gap = new Promise((resolve) => client.gaps$.subscribe(resolve));
      await first.kill();
      const folder = first.path.replace('/qmp', '');
      mkdirSync(folder);
      const second = spawnQemu('-qmp', `unix:${first.path},server=on,wait=off`);
      expect(await gap).toMatchObject({ session: 2, cause: { name: 'DisconnectedError' } });
      await client.connect();
      await client.execute('stop');
      expect([stops.size, client.stats.reconnects]).toEqual([2, 1]);
      await client.close();
      second.process.kill();
      await second.gone;
      rmSync(folder, { recursive: true });
    });
  });

  describe('accept', () => {
    it('takes a QEMU that dials in over a unix socket (row 52)', async () => {
      const folder = temporaryFolder();
      const path = join(folder.path, 'qmp');
      const client = new QmpClient(accept(`unix:${path}`));
      const greeted = client.connect();
      await socketAt(path, AbortSignal.timeout(5_000));
      const qemu = spawnQemu('-qmp', `unix:${path}`);
      expect((await greeted).QMP.version.qemu.major).toBeGreaterThan(0);
      await client.execute('quit');
      await qemu.gone;
      await client.close();
      folder.remove();
    });

    it('gives a client for each QEMU that dials in at one address (C16)', async () => {
      const folder = temporaryFolder();
      const path = join(folder.path, 'qmp');
      const two = lastValueFrom(accept$(`unix:${path}`).pipe(take(2), toArray()));
      await socketAt(path, AbortSignal.timeout(5_000));
      const qemus = ['one', 'two'].map((name) => spawnQemu('-name', name, '-qmp', `unix:${path},server=off`));
      const clients = await two;
      const names = await Promise.all(clients.map(async (client) => (await client.execute('query-name')).name));
      expect(names.sort()).toEqual(['one', 'two']);
      for (const client of clients) await client.execute('quit');
      for (const { gone } of qemus) await gone;
      for (const client of clients) await client.close();
      folder.remove();
    });

    it('takes a QEMU that dials in over TCP (row 52)', async () => {
      const port = await freePort();
      const client = new QmpClient(accept(`tcp:127.0.0.1:${port}`));
      const greeted = client.connect();
      await listening(port);
      const qemu = spawnQemu('-qmp', `tcp:127.0.0.1:${port}`);
      await greeted;
      expect(await client.execute('query-status')).toHaveProperty('status');
      await client.close();
      qemu.process.kill();
      await qemu.gone;
    });
  });

  describe('tcp', () => {
    it('connects to a QEMU that listens on TCP', async () => {
      const port = await freePort();
      const qemu = await startQemu(['-qmp', `tcp:127.0.0.1:${port},server=on,wait=off`]);
      const client = await connect(`tcp:127.0.0.1:${port}`);
      expect(await client.execute('query-status')).toHaveProperty('status');
      await client.close();
      await qemu.stop();
    });
  });

  describe('streams', () => {
    it('talks to a QEMU on its stdin and stdout (row 52)', async () => {
      const qemu = spawnQemu('-qmp', 'stdio');
      const { stdin, stdout } = qemu.process;
      if (!stdin || !stdout) throw new Error('no pipes');
      const client = new QmpClient(streams(stdout, stdin), { name: 'child' });
      await client.connect();
      const stops = client.listener('STOP');
      await client.execute('stop');
      expect(stops.size).toBe(1);
      const over = closed(client);
      await client.execute('quit');
      expect(await over).not.toHaveProperty('cause');
      await qemu.gone;
      await client.close();
    });

    it('is a loss when the child is killed', async () => {
      const qemu = spawnQemu('-qmp', 'stdio');
      const { stdin, stdout } = qemu.process;
      if (!stdin || !stdout) throw new Error('no pipes');
      const client = new QmpClient(streams(stdout, stdin));
      await client.connect();
      const reading = client.events.get();
      qemu.process.kill('SIGKILL');
      await expect(reading).rejects.toMatchObject({ name: 'DisconnectedError' });
      expect(client.state).toHaveProperty('cause');
      await qemu.gone;
      await client.close();
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when somebody listens on the port, without dialling it. */
async function listening(port: number): Promise<void> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const pattern = new RegExp(`:${hex} [0-9A-F:]+ 0A `);
  while (!pattern.test(readFileSync('/proc/net/tcp', 'utf8'))) await setImmediate();
}
