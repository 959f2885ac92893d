import { PLATFORM_ID } from '@angular/core';
import { filter, firstValueFrom } from 'rxjs';
import { injectQmpFleet, provideQmpFleet } from 'rx-qmp/angular/fleet';
import { FakeQemu } from 'rx-qmp/testing';
import { FleetUnderTest, vmOnce } from '../nats/fleet-under-test.js';
import { describeNats } from '../support/nats.js';
import { childOf, destroyInjectors, injectorOf } from './injector.js';

describeNats('provideQmpFleet', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
    qemu = new FakeQemu();
    await fleet.agent('h1', { vms: { vm1: qemu.connector }, allow: ['stop'] });
    await vmOnce((await fleet.client()).vms$, 'h1/vm1', ({ state }) => state === 'ready');
  });
  afterEach(async () => {
    destroyInjectors();
    await fleet.end();
  });

  it('shows the VMs and their events, and shares the client of a VM', async () => {
    const nats = await fleet.connect();
    const injector = injectorOf(provideQmpFleet(() => Promise.resolve(nats)));
    const injected = injectQmpFleet({ injector });
    expect([injected.state(), injected.vms()]).toEqual([{ phase: 'idle' }, []]);
    const event = firstValueFrom(injected.events$({ host: 'h1' }));
    const child = childOf(injector);
    const client = injectQmpFleet({ injector: child }).client('h1/vm1');
    expect(injected.client('h1/vm1')).toBe(client);
    await firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'ready')));
    await client.execute('stop');
    expect(await event).toMatchObject({ vm: 'h1/vm1', event: { event: 'STOP' } });
    const other = await fleet.client();
    await vmOnce(other.vms$, 'h1/vm1', ({ status }) => status === 'paused');
    expect(injected.state()).toEqual({ phase: 'open' });
    expect(injected.vms().map(({ name }) => name)).toEqual(['h1/vm1']);
    child.destroy();
    expect(client.state.phase).toBe('ready');
    injector.destroy();
    await nats.closed();
    expect(client.state.phase).toBe('closed');
  });

  it('has a failure as its state', async () => {
    const injected = injectQmpFleet({
      injector: injectorOf(provideQmpFleet(() => Promise.reject(new Error('refused')))),
    });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(injected.state()).toMatchObject({ phase: 'closed', cause: { message: 'refused' } });
    expect(injected.vms()).toEqual([]);
  });

  it('opens nothing on a server', () => {
    const connect = jest.fn();
    const injector = injectorOf({ provide: PLATFORM_ID, useValue: 'server' }, provideQmpFleet(connect));
    const injected = injectQmpFleet({ injector });
    expect([injected.vms(), injected.state(), injected.client('h1/vm1').state]).toEqual([
      [],
      { phase: 'idle' },
      { phase: 'idle' },
    ]);
    expect(connect).not.toHaveBeenCalled();
  });

  it('says what is missing where nothing is provided', () => {
    expect(() => injectQmpFleet({ injector: injectorOf() })).toThrow('add provideQmpFleet(');
  });
});
