import { signal } from '@angular/core';
import { Subject } from 'rxjs';
import { QmpClient, type CommandResult } from 'rx-qmp';
import { injectQmpCommand, injectQmpQuery, provideQmp, type QmpQuery } from 'rx-qmp/angular';
import { FakeQemu } from '../../src/testing/fake-qemu.js';
import { destroyInjectors, injectorOf } from './injector.js';

afterEach(destroyInjectors);

async function connected(): Promise<{ qemu: FakeQemu; client: QmpClient }> {
  const qemu = new FakeQemu();
  const client = new QmpClient(qemu.connector, { reconnect: { delay: () => 0 } });
  await client.connect();
  return { qemu, client };
}

const settled = async (query: { isPending(): boolean }): Promise<void> => {
  do await new Promise(setImmediate);
  while (query.isPending());
};
const asked = (qemu: FakeQemu, command: string): number =>
  qemu.received.filter(({ execute }) => execute === command).length;

describe('injectQmpQuery', () => {
  it('asks when a session is ready, and not before', async () => {
    const qemu = new FakeQemu();
    const injector = injectorOf(provideQmp(() => qemu.connector));
    const status = injectQmpQuery('query-status', { injector });
    expect([status.value(), status.isPending(), asked(qemu, 'query-status')]).toEqual([undefined, false, 0]);
    await injector.get<QmpClient>(QmpClient).connect();
    await settled(status);
    expect(status.value()?.status).toBe('running');
    expect(asked(qemu, 'query-status')).toBe(1);
  });

  it('asks again after the events that it was given, and after no other', async () => {
    const { qemu, client } = await connected();
    const status = injectQmpQuery('query-status', { injector: injectorOf(), client, after: ['STOP', 'RESUME'] });
    await settled(status);
    qemu.emit('STOP');
    await settled(status);
    expect(status.value()?.status).toBe('paused');
    qemu.emit('RTC_CHANGE', { offset: 1, 'qom-path': '/machine' });
    await settled(status);
    expect(asked(qemu, 'query-status')).toBe(2);
  });

  it('keeps the last value while it asks again, and asks once more for any number of events meanwhile', async () => {
    const { qemu, client } = await connected();
    const status = injectQmpQuery('query-status', { injector: injectorOf(), client, after: 'STOP' });
    await settled(status);
    const reply = new Subject<CommandResult<'query-status'>>();
    qemu.on('query-status', () => reply);
    for (let count = 0; count < 5; count += 1) qemu.emit('STOP');
    await new Promise(setImmediate);
    expect([status.value()?.status, status.isPending()]).toEqual(['running', true]);
    expect(asked(qemu, 'query-status')).toBe(2);
    qemu.on('query-status', { running: false, singlestep: false, status: 'paused' });
    reply.next({ running: true, singlestep: false, status: 'running' });
    await settled(status);
    expect(status.value()?.status).toBe('paused');
    expect(asked(qemu, 'query-status')).toBe(3);
  });

  it('shows a refusal beside the last value, and drops it with the next answer', async () => {
    const { qemu, client } = await connected();
    const status = injectQmpQuery('query-status', { injector: injectorOf(), client, after: ['STOP'] });
    await settled(status);
    qemu.on('query-status', new Error('not now'));
    qemu.emit('STOP');
    await settled(status);
    expect(status.error()).toMatchObject({ name: 'ExecuteError', desc: 'not now' });
    expect(status.value()?.status).toBe('running');
    qemu.on('query-status', { running: false, singlestep: false, status: 'paused' });
    qemu.emit('STOP');
    await settled(status);
    expect([status.error(), status.value()?.status]).toEqual([undefined, 'paused']);
  });

  it('keeps the value through a gap, which is no error, and asks in the next session', async () => {
    const { qemu, client } = await connected();
    const status = injectQmpQuery('query-status', { injector: injectorOf(), client });
    await settled(status);
    qemu.on('query-status', () => new Subject());
    qemu.kill();
    await settled(status);
    expect([status.value()?.status, status.error(), status.isPending()]).toEqual(['running', undefined, false]);
    qemu.on('query-status', { running: false, singlestep: false, status: 'paused' });
    qemu.restart();
    await client.connect();
    await settled(status);
    expect(status.value()?.status).toBe('paused');
    await client.close();
  });

  it('stops with its injector: a pending question is given up, nothing is left on the bus', async () => {
    const { qemu, client } = await connected();
    qemu.on('query-status', () => new Subject());
    const injector = injectorOf();
    const status = injectQmpQuery('query-status', { injector, client, after: 'STOP' });
    await new Promise(setImmediate);
    expect([status.isPending(), client.listeners.length]).toEqual([true, 2]);
    injector.destroy();
    await settled(status);
    expect([status.error(), client.listeners.length]).toEqual([undefined, 1]);
    qemu.emit('STOP');
    expect(asked(qemu, 'query-status')).toBe(1);
  });

  it('follows from one client to another', async () => {
    const [one, two] = [await connected(), await connected()];
    two.qemu.on('query-name', { name: 'two' });
    const chosen = signal(one.client);
    const name = injectQmpQuery('query-name', { injector: injectorOf(), client: chosen });
    expect(name.value()).toBeUndefined();
    chosen.set(two.client);
    expect(name.value()).toBeUndefined();
    await settled(name);
    expect(name.value()).toEqual({ name: 'two' });
  });

  it('has types: arguments where the command wants them, the result, the names of events', () => {
    const typed = (client: QmpClient): readonly unknown[] => {
      const type: QmpQuery<readonly { readonly name: string }[]> = injectQmpQuery('qom-list', {
        args: { path: '/' },
        client,
      });
      return [
        type,
        // @ts-expect-error -- it needs arguments
        () => injectQmpQuery('qom-list'),
        // @ts-expect-error -- no such event
        () => injectQmpQuery('query-status', { after: 'STOPP' }),
        // @ts-expect-error -- no such command
        () => injectQmpQuery('query-stauts'),
      ];
    };
    expect(typed).toBeInstanceOf(Function);
  });
});

describe('injectQmpCommand', () => {
  it('runs the command when it is called, and gives the result', async () => {
    const { qemu, client } = await connected();
    const stop = injectQmpCommand('stop', { injector: injectorOf(), client });
    expect(asked(qemu, 'stop')).toBe(0);
    const running = stop.run();
    expect(stop.isPending()).toBe(true);
    expect(await running).toEqual({});
    expect([stop.isPending(), stop.error(), asked(qemu, 'stop')]).toEqual([false, undefined, 1]);
  });

  it('never rejects: a refusal is in error until the next run', async () => {
    const { qemu, client } = await connected();
    qemu.on('stop', new Error('not now'));
    const stop = injectQmpCommand('stop', { injector: injectorOf(), client });
    expect(await stop.run()).toBeUndefined();
    expect(stop.error()).toMatchObject({ desc: 'not now' });
    qemu.on('stop', {});
    await stop.run();
    expect(stop.error()).toBeUndefined();
    qemu.kill();
    expect(await stop.run()).toBeUndefined();
    expect(stop.error()).toMatchObject({ name: 'StateError' });
    await client.close();
  });

  it('is pending until the last of several runs has ended, and takes arguments', async () => {
    const { qemu, client } = await connected();
    const replies = [new Subject<Record<string, never>>(), new Subject<Record<string, never>>()];
    let calls = 0;
    qemu.on('device_del', () => replies[calls++] as Subject<Record<string, never>>);
    const unplug = injectQmpCommand('device_del', { injector: injectorOf(), client: () => client });
    const runs = [unplug.run({ id: 'a' }), unplug.run({ id: 'b' })];
    replies[0]?.next({});
    await runs[0];
    expect(unplug.isPending()).toBe(true);
    replies[1]?.next({});
    await runs[1];
    expect(unplug.isPending()).toBe(false);
    expect(qemu.received.slice(-2).map((command) => command.arguments)).toEqual([{ id: 'a' }, { id: 'b' }]);
  });
});
