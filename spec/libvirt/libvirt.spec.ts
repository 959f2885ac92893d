import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { firstValueFrom, filter } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { guestExec, guestInfo, type GuestCommandMap } from 'rx-qmp/guest';
import { guestAgentOf, libvirt } from 'rx-qmp/libvirt';
import { unixSocket } from 'rx-qmp/node';
import { describeGuest, guestFiles } from '../guests/guest-files.js';
import { Cli } from '../support/cli.js';
import { describeWith, LIBVIRTD, QMP_PROXY } from '../support/programs.js';
import { exit, socketAt } from '../support/qemu.js';
import { collect } from '../support/wire.js';
import { preparePackage, runProgram } from '../support/user-program.js';
import { SessionDaemon } from './session-daemon.js';

jest.setTimeout(120_000);

describeWith([LIBVIRTD], 'a real libvirtd, in the session of another user', () => {
  const daemon = new SessionDaemon();
  let client: QmpClient;

  beforeAll(async () => {
    await daemon.start();
    daemon.domain('create', 'vm1');
  });
  afterAll(() => daemon.close());
  afterEach(() => client.close());

  async function connected(domain = 'vm1'): Promise<QmpClient> {
    client = new QmpClient(libvirt(domain, daemon.options));
    await client.connect();
    return client;
  }

  it('gives a client of the VM that libvirt runs', async () => {
    await connected();
    expect(client.name).toBe('libvirt:vm1 (qemu:///session)');
    expect(client.greeting?.QMP.version.qemu.major).toBeGreaterThan(5);
    expect(await client.execute('query-status')).toMatchObject({ running: true });
    expect(await client.execute('query-name')).toEqual({ name: 'vm1' });
    await expect(client.execute('device_del', { id: 'none' })).rejects.toMatchObject({
      name: 'ExecuteError',
      errorClass: 'DeviceNotFound',
    });
  });

  // Libvirt sends replies and events from different threads: on a busy machine an event comes after the reply.
  it('passes events on, in their order and with their times', async () => {
    await connected();
    for (let round = 0; round < 10; round += 1) {
      using listener = client.listener(['STOP', 'RESUME']);
      await client.execute('stop');
      await client.execute('cont');
      expect([(await listener.get()).event, (await listener.get()).event]).toEqual(['STOP', 'RESUME']);
      expect(Math.abs((listener.history[0]?.timestamp.seconds ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    }
    using jobs = client.listener('JOB_STATUS_CHANGE');
    const filename = join(daemon.folder.path, 'run', 'disk.img');
    await client.execute('blockdev-create', { 'job-id': 'make', options: { driver: 'file', filename, size: 65_536 } });
    while ((await jobs.get()).data.status !== 'concluded');
    await client.execute('job-dismiss', { id: 'make' });
  });

  it('runs many commands one after the other, and many clients at once', async () => {
    await connected();
    const others = await Promise.all(
      [1, 2, 3].map(async () => {
        const other = new QmpClient(libvirt('vm1', daemon.options));
        await other.connect();
        return other;
      }),
    );
    const all = [client, ...others].flatMap((one) => Array.from({ length: 20 }, () => one.execute('query-status')));
    expect(await Promise.all(all)).toHaveLength(80);
    await Promise.all(others.map((other) => other.close()));
    expect(client.stats.faults).toBe(0);
  });

  it('ends in good order when the VM does, whoever ends it', async () => {
    daemon.domain('create', 'vm2');
    await connected('vm2');
    using shutdowns = client.listener('SHUTDOWN');
    await client.execute('quit').catch(() => undefined);
    await firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
    // libvirt loses SHUTDOWN where QEMU exits between two of its reads.
    const [shutdown] = shutdowns.history;
    expect(client.state).toEqual({ phase: 'closed', ...(shutdown && { shutdown: shutdown.data }) });
    expect([undefined, 'host-qmp-quit']).toContain(shutdown?.data.reason);

    daemon.domain('create', 'vm2');
    await connected('vm2');
    const closed = firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
    daemon.virsh('destroy', 'vm2');
    const { cause } = (await closed) as { cause?: Error };
    expect(cause?.message ?? 'in good order').toMatch(/in good order|the domain has stopped \(destroyed\)/);
  });

  it('says what is wrong with a domain, and where else it may be', async () => {
    daemon.domain('define', 'vm3');
    client = new QmpClient(libvirt('vm3', daemon.options));
    await expect(client.connect()).rejects.toThrow(
      'the domain vm3 does not run; virsh -c qemu:///session start vm3 starts it',
    );
    daemon.virsh('undefine', 'vm3');
    const unknown = new QmpClient(libvirt('nope', daemon.options));
    await expect(unknown.connect()).rejects.toThrow(
      /no domain with matching name 'nope' \(qemu:\/\/\/session; it may be one of qemu:\/\/\/system\)/,
    );
  });

  it('sees that libvirt has gone, and finds it again', async () => {
    client = new QmpClient(libvirt('vm1', daemon.options), { reconnect: { delay: () => 100 } });
    await client.connect();
    const gap = firstValueFrom(client.gaps$);
    await daemon.stop();
    await daemon.start();
    await gap;
    expect(await client.execute('query-name')).toEqual({ name: 'vm1' });
  });

  it('says that a domain has no agent that answers (G3)', async () => {
    client = new QmpClient(libvirt('vm1', daemon.options));
    const agent = new QmpClient(guestAgentOf('vm1', daemon.options));
    await expect(agent.connect()).rejects.toMatchObject({
      name: 'ConnectError',
      message: expect.stringMatching(/agent is not (responding|connected)/) as string,
    });
  });

  it('is an address of the command line', async () => {
    client = new QmpClient(libvirt('vm1', daemon.options));
    const { code, stdout, stderr } = await new Cli(['exec', 'libvirt:vm1', 'query-name'], {
      LIBVIRT_DEFAULT_URI: daemon.uri,
    }).ended();
    expect({ code, stdout: JSON.parse(stdout) as unknown, stderr }).toEqual({
      code: 0,
      stdout: { name: 'vm1' },
      stderr: '',
    });
  });

  describeWith([QMP_PROXY], "libvirt's own virt-qemu-qmp-proxy, which takes one command at a time", () => {
    it('serves a client with maxInFlight: 1 (C12)', async () => {
      const path = join(daemon.folder.path, 'run', 'proxy');
      const proxy = daemon.spawn('virt-qemu-qmp-proxy', ['-c', 'qemu:///session', 'vm1', path]);
      const gone = exit(proxy);
      try {
        await socketAt(path, AbortSignal.timeout(20_000));
        client = new QmpClient(unixSocket(path), { maxInFlight: 1 });
        await client.connect();
        const stops = collect(client.observe('STOP'));
        const all = Array.from({ length: 20 }, (_, at) => client.execute(at % 2 === 0 ? 'stop' : 'cont'));
        await Promise.all(all);
        expect(stops).toHaveLength(10);
      } finally {
        await client.close();
        proxy.kill();
        await gone;
      }
    });
  });
});

describeGuest('a Linux guest that libvirt runs', () => {
  describeWith([LIBVIRTD], 'its agent', () => {
    const daemon = new SessionDaemon();
    let agent: QmpClient<GuestCommandMap>;

    beforeAll(async () => {
      await daemon.start();
      const disk = join(daemon.folder.path, 'run', 'data.img');
      writeFileSync(disk, Buffer.alloc(1024 * 1024), { mode: 0o666 });
      chmodSync(disk, 0o666);
      daemon.domain('create', 'vm1', {
        guest: { ...guestFiles(), append: 'console=ttyS0 quiet noresume tsc=unstable' },
        devices: `<video><model type="vga"/></video>
          <disk type="file" device="disk">
            <driver name="qemu" type="raw"/><source file="${disk}"/><target dev="vda" bus="virtio"/><alias name="ua-data1"/>
          </disk>`,
      });
      agent = new QmpClient(guestAgentOf('vm1', daemon.options), { reconnect: { delay: () => 500 } });
      await agent.connect();
    });
    afterAll(async () => {
      await agent.close();
      await daemon.close();
    });

    it('runs programs and typed commands', async () => {
      expect(agent.name).toBe('agent of libvirt:vm1 (qemu:///session)');
      const { code, stdout } = await guestExec(agent, '/bin/sh', ['-c', 'cat; exit 3'], { input: 'größe' });
      expect([code, String(stdout)]).toEqual([3, 'größe']);
      expect((await guestInfo(agent)).kernel).toMatch(/^\d+\.\d+/);
      expect(agent.greeting?.QMP.version).toMatchObject({ package: 'qemu-ga' });
    });

    it("passes on the agent's errors, and those of commands that are answered only then (G2)", async () => {
      await expect(agent.execute('guest-file-close', { handle: 77 })).rejects.toMatchObject({
        name: 'ExecuteError',
        desc: expect.stringContaining("handle '77' has not been found") as string,
      });
      // The test's guest has no program for it.
      await expect(agent.execute('guest-shutdown')).rejects.toThrow('failed to shutdown');
    });

    it('is what the program of docs/attach.md needs: the fifteen lines minus the launch', async () => {
      const page = readFileSync(join(__dirname, '../../docs/attach.md'), 'utf8');
      const [, program = ''] = /### The same on a VM of libvirt's\n.*?```ts\n(.*?)```/s.exec(page) ?? [];
      preparePackage(daemon.folder.path);
      const env = { LIBVIRT_DEFAULT_URI: daemon.uri };
      expect(await runProgram(daemon.folder.path, program, env)).toBe('Linux\n\nguest\n');
      expect(readFileSync(join(daemon.folder.path, 'screen.png')).subarray(1, 4).toString()).toBe('PNG');
    });
  });
});

describe('libvirt', () => {
  it('refuses what cannot be a domain or a URI of this machine', () => {
    expect(() => libvirt('')).toThrow(TypeError);
    expect(() => libvirt('a/b')).toThrow(/^domain must be the name/);
    expect(() => libvirt('vm1', { uri: 'qemu+ssh://host/system' })).toThrow(
      /^uri must be qemu:\/\/\/system or .*ssh -L/,
    );
    expect(() => guestAgentOf('vm1', { uri: 'lxc:///' })).toThrow(TypeError);
  });

  it('says that no daemon listens', async () => {
    const client = new QmpClient(libvirt('vm1', { uri: 'qemu:///session', socket: '/nonexistent/libvirt-sock' }));
    await expect(client.connect()).rejects.toThrow(
      'no libvirt daemon for qemu:///session listens at /nonexistent/libvirt-sock; virsh -c qemu:///session list starts it',
    );
  });

  it("takes virsh's default: the environment, else the system for root and the session for others", () => {
    const before = process.env['LIBVIRT_DEFAULT_URI'];
    delete process.env['LIBVIRT_DEFAULT_URI'];
    const own = getuid?.() === 0 ? 'system' : 'session';
    expect(libvirt('vm1').address).toBe(`libvirt:vm1 (qemu:///${own})`);
    process.env['LIBVIRT_DEFAULT_URI'] = 'qemu:///session';
    expect(libvirt('vm1').address).toBe('libvirt:vm1 (qemu:///session)');
    if (before === undefined) delete process.env['LIBVIRT_DEFAULT_URI'];
    else process.env['LIBVIRT_DEFAULT_URI'] = before;
  });
});
