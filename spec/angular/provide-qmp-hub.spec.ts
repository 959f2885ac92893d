import { PLATFORM_ID } from '@angular/core';
import { filter, firstValueFrom, map, take, toArray } from 'rxjs';
import { HubClient, type ConnectionState, type QmpClient } from 'rx-qmp';
import { injectQmpHub, provideQmpHub } from 'rx-qmp/angular';
import { createHub, type Hub } from 'rx-qmp/node';
import { WebSocket } from 'ws';
import { FakeQemu } from '../../src/testing/fake-qemu.js';
import { childOf, destroyInjectors, injectorOf } from './injector.js';

function reached(client: QmpClient, wanted: ConnectionState['phase']): Promise<unknown> {
  return firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === wanted)));
}

describe('provideQmpHub', () => {
  const qemus = { vm1: new FakeQemu(), vm2: new FakeQemu() };
  let hub: Hub;
  /** The client side, to wait for what it shows. */
  let hubClient: HubClient;

  beforeEach(async () => {
    for (const qemu of Object.values(qemus)) qemu.restart();
    hub = await createHub({
      vms: { vm1: qemus.vm1.connector, vm2: qemus.vm2.connector },
      port: 0,
      noToken: true,
      allow: ['stop'],
    });
  });
  afterEach(async () => {
    destroyInjectors();
    await hub.close();
  });

  function provided(): ReturnType<typeof injectorOf> {
    return injectorOf(provideQmpHub(() => (hubClient = new HubClient(hub.url, { WebSocket }))));
  }

  async function bothRunning(): Promise<void> {
    await firstValueFrom(hubClient.vms$.pipe(filter((vms) => vms.every(({ state }) => state === 'ready'))));
  }

  it('shows the VMs, their events and what is allowed', async () => {
    const { vms, state, events$ } = injectQmpHub({ injector: provided() });
    expect(vms()).toEqual([]);
    const events = firstValueFrom(
      events$.pipe(
        map(({ vm, event }) => `${vm} ${event.event}`),
        take(2),
        toArray(),
      ),
    );
    await bothRunning();
    expect(vms().map(({ name }) => name)).toEqual(['vm1', 'vm2']);
    expect(state()).toEqual({
      phase: 'open',
      rights: { role: 'operator', name: 'anybody', allow: ['stop'], screen: true },
    });
    qemus.vm1.emit('STOP');
    qemus.vm2.emit('RESUME');
    expect(await events).toEqual(['vm1 STOP', 'vm2 RESUME']);
  });

  it('takes a url and options as well', () => {
    const { state } = injectQmpHub({ injector: injectorOf(provideQmpHub(hub.url, { WebSocket })) });
    expect(state().phase).toBe('connecting');
  });

  it('shares the client of a VM and closes it with its last user', async () => {
    const injector = provided();
    const [first, second] = [childOf(injector), childOf(injector)];
    const one = injectQmpHub({ injector: first });
    await bothRunning();
    const client = one.client('vm1');
    expect(one.client('vm1')).toBe(client);
    expect(injectQmpHub({ injector: second }).client('vm1')).toBe(client);
    await reached(client, 'ready');

    first.destroy();
    expect(client.state.phase).toBe('ready');
    expect(() => one.client('vm2')).toThrow('is destroyed');
    second.destroy();
    expect(client.state).toEqual({ phase: 'closed' });

    const next = injectQmpHub({ injector: childOf(injector) }).client('vm1');
    expect(next).not.toBe(client);
    await reached(next, 'ready');
  });

  it('closes everything with its injector', async () => {
    const injector = provided();
    const injected = injectQmpHub({ injector });
    await bothRunning();
    const vm1 = injected.client('vm1');
    await reached(vm1, 'ready');
    const state = firstValueFrom(hubClient.state$.pipe(filter(({ phase }) => phase === 'closed')));
    injector.destroy();
    expect((await state).phase).toBe('closed');
    expect(vm1.state).toEqual({ phase: 'closed' });
  });

  it('opens nothing on a server', () => {
    const make = jest.fn();
    const injector = injectorOf({ provide: PLATFORM_ID, useValue: 'server' }, provideQmpHub(make));
    const injected = injectQmpHub({ injector });
    expect([injected.vms(), injected.state(), injected.client('vm1').state]).toEqual([
      [],
      { phase: 'idle' },
      { phase: 'idle' },
    ]);
    expect(make).not.toHaveBeenCalled();
  });

  it('says what is missing where nothing is provided', () => {
    expect(() => injectQmpHub({ injector: injectorOf() })).toThrow('add provideQmpHub(');
  });
});
