import { signal } from '@angular/core';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { injectQmpHistory, injectQmpState, provideQmp } from 'rx-qmp/angular';
import { FakeQemu } from '../../src/testing/fake-qemu.js';
import { namesIn } from '../support/bus-events.js';
import { destroyInjectors, injectorOf } from './injector.js';

const running = (client: QmpClient): Promise<unknown> =>
  firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'ready')));

async function connected(): Promise<{ qemu: FakeQemu; client: QmpClient }> {
  const qemu = new FakeQemu();
  const client = new QmpClient(qemu.connector, { reconnect: { delay: () => 0 } });
  await client.connect();
  return { qemu, client };
}

describe('injectQmpState', () => {
  afterEach(destroyInjectors);

  it('is the present state of the provided client, then each change', async () => {
    const qemu = new FakeQemu();
    const injector = injectorOf(provideQmp(() => qemu.connector));
    const state = injectQmpState({ injector });
    expect(state().phase).toBe('connecting');
    await running(injector.get<QmpClient>(QmpClient));
    expect(state().phase).toBe('ready');
    qemu.kill();
    expect(state().phase).toBe('reconnecting');
  });

  it('watches a client of yours, and leaves it open', async () => {
    const { client } = await connected();
    const injector = injectorOf();
    const state = injectQmpState({ injector, client });
    expect(state().phase).toBe('ready');
    injector.destroy();
    await client.disconnect();
    expect(client.state.phase).toBe('closed');
    expect(state().phase).toBe('ready');
  });

  it('follows from one client to another', async () => {
    const [one, two] = [await connected(), await connected()];
    const chosen = signal(one.client);
    const state = injectQmpState({ injector: injectorOf(), client: chosen });
    await two.client.disconnect();
    expect(state().phase).toBe('ready');
    chosen.set(two.client);
    expect(state().phase).toBe('closed');
    await Promise.all([one.client.close(), two.client.close()]);
  });
});

describe('injectQmpHistory', () => {
  afterEach(destroyInjectors);

  it('holds the latest events with these names that pass the filter, up to the limit', async () => {
    const { qemu, client } = await connected();
    const injector = injectorOf();
    const history = injectQmpHistory(['STOP', 'RESUME'], { injector, client, limit: 3 });
    const hostResets = injectQmpHistory('RESET', { filter: ({ data }) => !data.guest, injector, client });
    expect(history()).toEqual([]);
    for (const name of ['STOP', 'RESUME', 'STOP', 'POWERDOWN', 'RESUME'] as const) qemu.emit(name);
    qemu.emit('RESET', { guest: true, reason: 'guest-reset' });
    qemu.emit('RESET', { guest: false, reason: 'host-qmp-system-reset' });
    expect(namesIn(history())).toEqual(['RESUME', 'STOP', 'RESUME']);
    expect(hostResets().map(({ data }) => data.reason)).toEqual(['host-qmp-system-reset']);
    await client.close();
  });

  it('makes one frozen array for all events between two reads', async () => {
    const { qemu, client } = await connected();
    const history = injectQmpHistory(null, { injector: injectorOf(), client });
    const before = history();
    for (let count = 0; count < 10; count += 1) qemu.emit('STOP');
    const after = history();
    expect(after).not.toBe(before);
    expect(Object.isFrozen(after)).toBe(true);
    expect(history()).toBe(after);
    expect([before.length, after.length]).toEqual([0, 10]);
    await client.close();
  });

  it('goes on after a loss, and keeps what it has (L5)', async () => {
    const { qemu, client } = await connected();
    const history = injectQmpHistory('STOP', { injector: injectorOf(), client });
    qemu.emit('STOP');
    qemu.restart();
    await running(client);
    qemu.emit('STOP');
    expect(history()).toHaveLength(2);
    await client.close();
  });

  it('goes on after disconnect() and connect() (L9)', async () => {
    const { qemu, client } = await connected();
    const history = injectQmpHistory('STOP', { injector: injectorOf(), client });
    qemu.emit('STOP');
    await client.disconnect();
    await client.connect();
    qemu.emit('STOP');
    expect(history()).toHaveLength(2);
    await client.close();
  });

  it('leaves no listener behind, and keeps its last value', async () => {
    const { qemu, client } = await connected();
    const injector = injectorOf();
    const history = injectQmpHistory('STOP', { injector, client });
    qemu.emit('STOP');
    expect(client.listeners).toHaveLength(2);
    injector.destroy();
    expect(client.listeners).toEqual([client.events]);
    qemu.emit('STOP');
    expect(history()).toHaveLength(1);
    await client.close();
  });

  it('follows from one client to another, and leaves the first', async () => {
    const [one, two] = [await connected(), await connected()];
    const chosen = signal(one.client);
    const injector = injectorOf();
    const history = injectQmpHistory('STOP', { injector, client: chosen });
    expect(one.client.listeners).toHaveLength(1);
    history();
    one.qemu.emit('STOP');
    expect(history()).toHaveLength(1);
    chosen.set(two.client);
    expect(history()).toEqual([]);
    expect([one.client.listeners.length, two.client.listeners.length]).toEqual([1, 2]);
    injector.destroy();
    expect(two.client.listeners).toHaveLength(1);
    await Promise.all([one.client.close(), two.client.close()]);
  });
});
