import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { hostname, networkInterfaces, release } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import {
  guestAddresses,
  guestAgent,
  guestExec,
  guestInfo,
  guestReadFile,
  guestWriteFile,
  type GuestCommandMap,
} from 'rx-qmp/guest';
import { unixSocket } from 'rx-qmp/node';
import { exit, socketAt } from '../support/qemu.js';
import { describeWith, QEMU_GA } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describeWith([QEMU_GA], 'a real qemu-ga, on this host', () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'qga');
  let child: ChildProcess;
  let agent: QmpClient<GuestCommandMap>;

  beforeAll(async () => {
    await start();
  });
  afterAll(async () => {
    await stop();
    folder.remove();
  });
  beforeEach(async () => {
    agent = new QmpClient(guestAgent(unixSocket(path)));
    await agent.connect();
  });
  afterEach(() => agent.close());

  async function start(): Promise<void> {
    const args = ['-m', 'unix-listen', '-p', path, '-t', folder.path, '-f', join(folder.path, 'pid')];
    child = spawn('qemu-ga', args, { stdio: 'ignore' });
    await socketAt(path, AbortSignal.timeout(10_000));
  }
  async function stop(): Promise<void> {
    const gone = exit(child);
    child.kill();
    await gone;
  }

  it('runs typed commands', async () => {
    expect((await agent.execute('guest-get-host-name'))['host-name']).toBe(hostname());
    expect(agent.greeting?.QMP.version.qemu.major).toBeGreaterThan(5);
    await expect(agent.execute('guest-file-close', { handle: 12345 })).rejects.toMatchObject({ name: 'ExecuteError' });
  });

  it('takes the line over from somebody who left in the middle of a command (G1)', async () => {
    await agent.close();
    const socket = connectSocket(path);
    await once(socket, 'connect');
    socket.end('{"execute":"guest-get-time","id":1}{"execute":"guest-exec","arguments":{"path":"half a str');
    await once(socket.resume(), 'close');
    agent = new QmpClient(guestAgent(unixSocket(path)));
    await agent.connect();
    expect(await agent.execute('guest-ping')).toEqual({});
    expect(agent.stats.faults).toBe(0);
  });

  it('goes on after a command that nobody waited for, with the right answers (G1)', async () => {
    for (let round = 0; round < 20; round += 1) {
      const aborted = new AbortController();
      const given = agent.execute('guest-get-osinfo', undefined, { signal: aborted.signal });
      if (round % 2 === 0) await new Promise(setImmediate);
      aborted.abort(new Error('given up'));
      await expect(given).rejects.toThrow('given up');
      expect(await agent.execute('guest-get-host-name')).toEqual({ 'host-name': hostname() });
    }
    expect(agent.stats.faults).toBe(0);
  });

  it('sees that the agent has ended, and finds it again when it is restarted', async () => {
    await agent.close();
    agent = new QmpClient(guestAgent(unixSocket(path)), { reconnect: { delay: () => 10 } });
    await agent.connect();
    const gap = firstValueFrom(agent.gaps$);
    const pending = agent.execute('guest-exec', { path: '/bin/sleep', arg: ['0'] });
    await pending;
    await stop();
    await start();
    await gap;
    expect(await agent.execute('guest-ping')).toEqual({});
  });

  describe('guestExec', () => {
    it('gives code, stdout and stderr, and takes stdin and an environment', async () => {
      const script = 'read line; echo "got $line and $NAME"; echo oops >&2; exit 3';
      const result = await guestExec(agent, '/bin/sh', ['-c', script], { input: 'größe\n', env: { NAME: 'a=b' } });
      expect(result).toMatchObject({ code: 3, signal: null, truncated: false });
      expect([String(result.stdout), String(result.stderr)]).toEqual(['got größe and a=b\n', 'oops\n']);
      const bytes = await guestExec(agent, '/bin/cat', [], { input: Uint8Array.of(0, 255, 10) });
      expect([...bytes.stdout]).toEqual([0, 255, 10]);
    });

    it('says which signal ended the program, and what the agent says of one that is not there', async () => {
      const killed = await guestExec(agent, '/bin/sh', ['-c', 'kill -9 $$']);
      expect(killed).toMatchObject({ code: null, signal: 9 });
      await expect(guestExec(agent, '/nonexistent')).rejects.toMatchObject({
        name: 'ExecuteError',
        desc: expect.stringContaining('No such file') as string,
      });
    });

    it('runs several at a time, and waits for longer ones', async () => {
      const codes = [1, 2, 3].map(async (code) =>
        guestExec(agent, '/bin/sh', ['-c', `sleep 0.0${code}; exit ${code}`]),
      );
      expect((await Promise.all(codes)).map(({ code }) => code)).toEqual([1, 2, 3]);
    });

    it('tells that output was cut', async () => {
      const { stdout, truncated } = await guestExec(agent, '/bin/sh', ['-c', 'head -c 17000000 /dev/zero']);
      expect({ length: stdout.length, truncated }).toEqual({ length: 16 * 1024 * 1024, truncated: true });
    });
  });

  it('writes and reads files', async () => {
    const file = join(folder.path, 'file');
    const bytes = Uint8Array.from({ length: 200_000 }, (_, at) => at % 251);
    await guestWriteFile(agent, file, bytes);
    expect(Buffer.compare(readFileSync(file), bytes)).toBe(0);
    expect(Buffer.compare(await guestReadFile(agent, file), bytes)).toBe(0);
    await guestWriteFile(agent, file, 'größe');
    await guestWriteFile(agent, file, '!', { append: true });
    expect(String(await guestReadFile(agent, file))).toBe('größe!');
    await guestWriteFile(agent, file, '');
    expect(await guestReadFile(agent, file)).toHaveLength(0);
  });

  it('closes a file that it does not read to its end', async () => {
    const file = join(folder.path, 'large');
    await guestWriteFile(agent, file, new Uint8Array(100_000));
    await expect(guestReadFile(agent, file, { limit: 99_999 })).rejects.toThrow('larger than 99999 bytes');
    const open = await guestExec(agent, '/bin/sh', ['-c', `ls -l /proc/$PPID/fd | grep -c ${file} || true`]);
    expect(String(open.stdout)).toBe('0\n');
    await expect(guestReadFile(agent, join(folder.path, 'none'))).rejects.toMatchObject({ name: 'ExecuteError' });
  });

  it('tells of the guest and its addresses', async () => {
    expect(await guestInfo(agent)).toMatchObject({
      agent: expect.stringMatching(/^\d+\.\d+/) as string,
      hostName: hostname(),
      commands: expect.arrayContaining(['guest-exec', 'guest-ping']) as string[],
      kernel: release(),
    });
    const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
    const reachable = own.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
    const found = await guestAddresses(agent);
    expect(found.map(({ address }) => address).sort()).toEqual(reachable.map(({ address }) => address).sort());
  });
});
