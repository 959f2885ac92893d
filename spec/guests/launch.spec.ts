import {
  guestAddresses,
  guestExec,
  guestInfo,
  guestReadFile,
  guestWriteFile,
  withFrozenFilesystems,
} from 'rx-qmp/guest';
import { launch, type LaunchedMachine } from 'rx-qmp/node';
import { describeGuest } from './guest-files.js';
import { kernelArguments } from './start-guest.js';

jest.setTimeout(120_000);

const WITH_ALL = { console: true, guestAgent: true } as const;

describeGuest('a launched VM with a Linux guest', () => {
  let vm: LaunchedMachine<typeof WITH_ALL>;

  beforeAll(async () => {
    const machine = ['-machine', 'q35,accel=tcg', '-m', '192M', '-nodefaults', '-no-user-config', '-display', 'none'];
    vm = await launch([...machine, '-no-shutdown', ...kernelArguments()], { ...WITH_ALL, name: 'vm1' });
  });
  afterAll(() => vm.stop({ grace: 0 }));

  it('has its agent as a client, which connects when the guest is up (M6)', async () => {
    // From before there is anybody to answer.
    await vm.guest.connect();
    expect(vm.guest.name).toBe('vm1: guest agent');
    expect(await vm.guest.execute('guest-ping')).toEqual({});
    expect((await guestInfo(vm.guest)).commands).toContain('guest-exec');
  });

  it('runs programs and moves files in the guest', async () => {
    const { code, stdout } = await guestExec(vm.guest, '/bin/uname', ['-s']);
    expect([code, String(stdout)]).toEqual([0, 'Linux\n']);
    const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at % 251);
    await guestWriteFile(vm.guest, '/tmp/file', bytes);
    expect(Buffer.compare(await guestReadFile(vm.guest, '/tmp/file'), bytes)).toBe(0);
    expect(await guestAddresses(vm.guest)).toEqual([]);
    expect(await withFrozenFilesystems(vm.guest, () => vm.client.execute('query-status'))).toMatchObject({
      running: true,
    });
  });

  it('keeps the line to the agent in order where a session ends in the middle of a command (M6)', async () => {
    const running = vm.guest.execute('guest-exec', { path: '/bin/sleep', arg: ['0'] });
    await vm.guest.disconnect();
    await expect(running).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    await vm.guest.connect();
    expect(await vm.guest.execute('guest-ping')).toEqual({});
    expect(vm.guest.stats.faults).toBe(0);
  });

  it('finds the agent again when it was restarted (M6)', async () => {
    await vm.console.waitFor('# ');
    await vm.console.run('kill $(cat /run/qga.pid)');
    await expect(vm.guest.execute('guest-ping', undefined, { timeout: 500 })).rejects.toThrow('no reply within 500 ms');
    await vm.console.run('qemu-ga -m virtio-serial -p /dev/vport*p1 -d -t /run -f /run/qga.pid');
    expect(await vm.guest.execute('guest-ping')).toEqual({});
  });

  it('runs commands in the shell on its console (M5)', async () => {
    expect(await vm.console.run('echo "it\'s $((6 * 7))"; false')).toEqual({ code: 1, output: "it's 42\n" });
    await expect(vm.console.run('sleep 60', { timeout: 500 })).rejects.toMatchObject({ name: 'ConsoleError' });
    expect(await vm.console.run('cat /proc/version')).toEqual({
      code: 0,
      output: expect.stringMatching(/^Linux version/) as string,
    });
    expect(await vm.console.run(`echo ${'x'.repeat(800)}`)).toEqual({ code: 0, output: `${'x'.repeat(800)}\n` });
  });

  it('is shut down by its guest, also where QEMU would stay (M3)', async () => {
    const shutdowns = vm.client.listener('SHUTDOWN');
    const guestState = vm.guest.state$;
    expect(await vm.stop({ grace: 60_000 })).toBe('guest');
    expect(await vm.exited).toMatchObject({ code: 0, signal: null });
    expect(shutdowns.history[0]?.data).toEqual({ guest: true, reason: 'guest-shutdown' });
    await new Promise<void>((resolve) => {
      guestState.subscribe({ complete: resolve });
    });
  });
});
