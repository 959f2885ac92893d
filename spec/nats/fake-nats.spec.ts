import { filter, firstValueFrom, map, pairwise, take, toArray } from 'rxjs';
import type { NatsConnection } from '@nats-io/nats-core';
import { FleetClient, type FleetEvent, type FleetGap } from 'rx-qmp/fleet';
import { FakeNats, FakeQemu } from 'rx-qmp/testing';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

/** A host whose agent is a real one on a real server, or that of a FakeNats. */
interface Host {
  /** Loses the next live event. */
  lose(): void;
  kill(): Promise<void> | void;
  stop(): Promise<void> | void;
}

interface World {
  connect(): NatsConnection | Promise<NatsConnection>;
  host(name: string, vms: Readonly<Record<string, FakeQemu>>, allow: readonly string[]): Promise<Host>;
  disconnect(): Promise<void>;
  reconnect(): Promise<void>;
  end(): Promise<void>;
}

function fakeWorld(): Promise<World> {
  const nats = new FakeNats({ beat: 200 });
  return Promise.resolve({
    connect: () => nats.connect(),
    host: async (name: string, vms: Readonly<Record<string, FakeQemu>>, allow: readonly string[]) => {
      const host = nats.host(name, { allow });
      for (const [vm, qemu] of Object.entries(vms)) await host.add(vm, qemu);
      return {
        lose: () => {
          host.lose();
        },
        kill: () => {
          host.kill();
        },
        stop: () => {
          host.stop();
        },
      };
    },
    disconnect: () => {
      nats.disconnect();
      return Promise.resolve();
    },
    reconnect: () => {
      nats.reconnect();
      return Promise.resolve();
    },
    end: () => nats.close(),
  });
}

async function realWorld(): Promise<World> {
  const fleet = await new FleetUnderTest().start();
  return {
    connect: () => fleet.connect(),
    host: async (name, vms, allow) => {
      const nats = await fleet.connect();
      const publish = nats.publish.bind(nats);
      let lost = 0;
      nats.publish = (subject, ...rest) => {
        if (lost > 0 && /^qmp1\.evt\..*\.[A-Z_]+$/.test(subject)) lost -= 1;
        else publish(subject, ...rest);
      };
      const connectors = Object.entries(vms).map(([vm, qemu]) => [vm, qemu.connector] as const);
      const agent = await fleet.agent(name, { nats, vms: Object.fromEntries(connectors), allow });
      return {
        lose: () => {
          lost += 1;
        },
        kill: () => nats.close(),
        stop: () => agent.close(),
      };
    },
    disconnect: () => fleet.server.kill(),
    reconnect: () => fleet.server.restart(),
    end: () => fleet.end(),
  };
}

/** What a FakeNats must do as a real server with a real agent does it. */
function behavesAsAFleet(start: () => Promise<World>): void {
  let world: World;
  let fleet: FleetClient;
  let qemu: FakeQemu;
  let host: Host;

  beforeEach(async () => {
    world = await start();
    fleet = new FleetClient(await world.connect());
    qemu = new FakeQemu();
    host = await world.host('h1', { vm1: qemu, 'vm.2': new FakeQemu() }, ['stop', 'cont']);
    await vmOnce(fleet.vms$, 'h1/vm1', ({ state }) => state === 'ready');
  });

  afterEach(async () => {
    await fleet.close();
    await world.end();
  });

  const stored = (events: number): Promise<(FleetEvent | FleetGap)[]> =>
    firstValueFrom(fleet.history({ vm: 'h1/vm1' }).pipe(toArray())).then((items) =>
      items.filter((item) => 'event' in item).length < events ? stored(events) : items,
    );
  const names = (items: readonly (FleetEvent | FleetGap)[]): string[] =>
    items.map((item) => ('event' in item ? item.event.event : item.cause));

  it('lists the VMs with what is known of them', async () => {
    const vm = await vmOnce(fleet.vms$, 'h1/vm1', ({ status }) => status === 'running');
    expect(vm).toMatchObject({ name: 'h1/vm1', host: 'h1', state: 'ready', qemu: '7.2.22' });
    await vmOnce(fleet.vms$, 'h1/vm.2', ({ state }) => state === 'ready');
    qemu.emit('STOP');
    await vmOnce(fleet.vms$, 'h1/vm1', ({ status }) => status === 'paused');
    qemu.kill();
    await vmOnce(fleet.vms$, 'h1/vm1', ({ state }) => state === 'gone');
    qemu.restart();
    await vmOnce(fleet.vms$, 'h1/vm1', ({ state }) => state === 'ready');
  });

  it('tells the live events that are asked for', async () => {
    const all = firstValueFrom(fleet.events$().pipe(take(3), toArray()));
    const some = firstValueFrom(fleet.events$({ vm: 'h1/vm1', names: ['WAKEUP'] }));
    await (await world.connect()).flush();
    await fleet.client('h1/vm1').connect(); // what was subscribed to before is there by now
    qemu.emit('STOP');
    qemu.emit('WAKEUP');
    qemu.emit('RTC_CHANGE', { offset: 5, 'qom-path': '/rtc' });
    expect(names(await all)).toEqual(['STOP', 'WAKEUP', 'RTC_CHANGE']);
    expect(await some).toMatchObject({ vm: 'h1/vm1', event: { event: 'WAKEUP' } });
  });

  it('answers commands, after the events that QEMU sent before', async () => {
    const client = fleet.client('h1/vm1', { reconnect: false });
    expect(await client.connect()).toMatchObject({ QMP: { version: { qemu: { major: 7 } } } });
    const heard = client.listener('STOP');
    await client.execute('stop');
    expect(heard.size).toBe(1);
    await expect(client.execute('query-status')).resolves.toMatchObject({ status: 'paused' });
    await expect(client.execute('quit')).rejects.toThrow('quit is not allowed by the agent of h1');
    await expect(client.execute('device_del', { id: 'x' })).rejects.toMatchObject({ name: 'ExecuteError' });
    const nobody = fleet.client('h1/vm9', { reconnect: false });
    await expect(nobody.connect()).rejects.toThrow('h1 has no VM "vm9"');
  });

  it('tells what is lost on the way, be it the last event or not', async () => {
    const client = fleet.client('h1/vm1');
    await client.connect();
    const gaps = firstValueFrom(fleet.gaps$().pipe(take(2), toArray()));
    const live = firstValueFrom(fleet.events$());
    await (await world.connect()).flush();
    await client.execute('query-status');
    qemu.emit('WAKEUP');
    await live;
    host.lose();
    qemu.emit('STOP');
    qemu.emit('WAKEUP');
    const session = client.gaps$.pipe(map(({ cause }) => cause?.message));
    await expect(firstValueFrom(session)).resolves.toContain('an event is missing');
    host.lose();
    qemu.emit('STOP');
    await expect(firstValueFrom(session)).resolves.toContain('an event is missing');
    expect(await gaps).toMatchObject([
      { vm: 'h1/vm1', missed: 1, cause: 'events were lost on the way' },
      { vm: 'h1/vm1', missed: 1, cause: 'events were lost on the way' },
    ]);
  });

  it('has a history, with the sessions in it', async () => {
    for (const name of ['STOP', 'RESUME', 'WAKEUP'] as const) qemu.emit(name);
    const all = await stored(3);
    expect(names(all)).toEqual(['STOP', 'RESUME', 'WAKEUP']);
    const [first] = all as FleetEvent[];
    const rest = fleet.history({ vm: 'h1/vm1', since: first?.position ?? '', names: ['RESUME', 'WAKEUP'] });
    expect(names(await firstValueFrom(rest.pipe(toArray())))).toEqual(['RESUME', 'WAKEUP']);
    const later = fleet.history({ host: 'h1', since: new Date(Date.now() + 60_000) });
    expect(await firstValueFrom(later.pipe(toArray()))).toEqual([]);
    qemu.restart();
    await vmOnce(fleet.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    await fleet.client('h1/vm1').connect();
    qemu.emit('STOP');
    expect(names(await stored(4)).slice(3)).toEqual(['a new session to QEMU has begun', 'STOP']);
  });

  it('ends a session with its QEMU, and begins another', async () => {
    const client = fleet.client('h1/vm1');
    await client.connect();
    const gap = firstValueFrom(client.gaps$);
    qemu.restart();
    expect((await gap).cause?.message).toContain('the session to QEMU has ended');
  });

  it('loses its server, tells so, and keeps what happened meanwhile', async () => {
    const client = fleet.client('h1/vm1');
    await client.connect();
    const phases = firstValueFrom(
      fleet.state$.pipe(
        map(({ phase }) => phase),
        pairwise(),
        filter(([, phase]) => phase === 'open'),
      ),
    );
    const gap = firstValueFrom(fleet.gaps$());
    const session = firstValueFrom(client.gaps$);
    await world.disconnect();
    qemu.emit('WAKEUP');
    await world.reconnect();
    expect(await phases).toEqual(['reconnecting', 'open']);
    expect(await gap).toMatchObject({ cause: 'the connection to NATS was lost' });
    expect((await session).cause?.message).toContain('the connection to NATS is lost');
    expect(names(await stored(1))).toEqual(['WAKEUP']);
  });

  it('loses an agent that dies: who waits is told, its VMs are unknown', async () => {
    qemu.on('query-block', () => new Promise(() => undefined));
    const client = fleet.client('h1/vm1', { reconnect: false });
    await client.connect();
    const unknown = vmOnce(fleet.vms$, 'h1/vm1', ({ state }) => state === 'unknown');
    const pending = client.execute('query-block');
    pending.catch(() => undefined);
    await host.kill();
    expect(await unknown).toMatchObject({ reason: 'its agent is not heard' });
    await expect(pending).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    await expect(client.connect()).rejects.toThrow('no agent serves h1');
  });

  it('tells at once of an agent that ends in good order, and forgets it when told to', async () => {
    const client = fleet.client('h1/vm1', { reconnect: false });
    await client.connect();
    const stopped = vmOnce(fleet.vms$, 'h1/vm1', ({ reason }) => reason === 'agent stopped');
    await host.stop();
    expect(await stopped).toMatchObject({ state: 'unknown' });
    expect(client.state.phase).toBe('closed');
    for (const where of [{ host: 'h1' }, { vm: 'h1/vm1' }]) {
      const reason = await vmOnce(fleet.vmsOf(where), 'h1/vm1', ({ state }) => state === 'unknown');
      expect(reason).toMatchObject({ reason: 'agent stopped' });
      expect(reason).not.toHaveProperty('stopped');
    }
    const nobody = firstValueFrom(fleet.vms$.pipe(filter(({ length }) => length === 0)));
    await fleet.forget('h1');
    await nobody;
  });
}

describe('a fleet on a FakeNats (F1 to F9)', () => {
  behavesAsAFleet(fakeWorld);
});

describeNats('the same on a nats-server', () => {
  behavesAsAFleet(realWorld);
});
