import { launch, type Machine } from 'rx-qmp/node';
import { describeQemu } from '../support/qemu.js';

const SMALL = ['-machine', 'none', '-nodefaults', '-display', 'none'];

describeQemu('a launched VM', () => {
  let vm: Machine | undefined;
  afterEach(async () => {
    await vm?.stop({ grace: 0 });
    vm = undefined;
  });

  it('asks the guest, then tells QEMU to quit, and says which it was (M3)', async () => {
    vm = await launch(SMALL);
    const heard = vm.client.listener(['POWERDOWN', 'SHUTDOWN']);
    expect(await vm.stop({ grace: 100 })).toBe('quit');
    expect(heard.history.map(({ event }) => event)).toEqual(['POWERDOWN', 'SHUTDOWN']);
    expect(await vm.exited).toEqual({ code: 0, signal: null, stderr: '' });
    expect(vm.client.state).toMatchObject({ phase: 'closed', shutdown: { reason: 'host-qmp-quit' } });
  });

  it('does not ask the guest without grace, and ends once for all who ask (M3)', async () => {
    vm = await launch(SMALL, { grace: 0 });
    const heard = vm.client.listener('POWERDOWN');
    expect(await Promise.all([vm.stop(), vm.stop(), vm[Symbol.asyncDispose]()])).toEqual(['quit', 'quit', 'quit']);
    expect(heard.history).toEqual([]);
    expect(await vm.stop()).toBe('quit');
  });

  it('uses SIGTERM where there is no session, and refuses a second one in words (M3)', async () => {
    vm = await launch(SMALL);
    await vm.client.disconnect();
    await expect(vm.client.connect()).rejects.toMatchObject({
      name: 'ConnectError',
      message: expect.stringContaining('the monitor of a launched QEMU greets once') as string,
    });
    expect(await vm.stop()).toBe('killed');
    expect(await vm.exited).toMatchObject({ code: 0, signal: null });
  });

  it('kills a QEMU that does nothing any more (M3)', async () => {
    vm = await launch(SMALL);
    process.kill(vm.pid, 'SIGSTOP');
    expect(await vm.stop({ grace: 0 })).toBe('killed');
    expect(await vm.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
  }, 20_000);

  it('says who ended it where nobody called stop(), and closes its client', async () => {
    vm = await launch(SMALL);
    await vm.client.execute('quit');
    expect(await vm.exited).toMatchObject({ code: 0 });
    expect(await vm.stop()).toBe('quit');
    vm = await launch(SMALL);
    const shutdowns: unknown[] = [];
    const completed = new Promise<void>((resolve) => {
      vm?.client.events$.subscribe({ next: ({ data }) => shutdowns.push(data), complete: resolve });
    });
    process.kill(vm.pid, 'SIGTERM');
    await completed;
    expect(shutdowns).toEqual([{ guest: false, reason: 'host-signal' }]);
    expect(await vm.stop()).toBe('killed');
    vm = await launch(SMALL);
    process.kill(vm.pid, 'SIGSEGV');
    expect(await vm.exited).toMatchObject({ code: null, signal: 'SIGSEGV' });
    expect(await vm.stop()).toBe('killed');
  });

  it('listens for signals to the program only while it runs (M4)', async () => {
    const listeners = (): number[] =>
      (['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => process.listenerCount(name));
    const before = listeners();
    vm = await launch(SMALL);
    const other = await launch(SMALL);
    expect(listeners()).toEqual(before.map((count) => count + 1));
    await Promise.all([vm.stop({ grace: 0 }), other.stop({ grace: 0 })]);
    expect(listeners()).toEqual(before);
  });
});
