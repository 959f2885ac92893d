import { EMPTY, filter, firstValueFrom, map, NEVER, switchMap, timer, type Observable } from 'rxjs';
import type { NatsConnection } from '@nats-io/nats-core';
import { EventBus } from 'rx-qmp';
import { FleetClient, type FleetVm } from 'rx-qmp/fleet';
import { FakeNats, FakeQemu, qmpMarbles, type FakeNatsConnection } from 'rx-qmp/testing';

/** Rings with the VM's name when it stays stopped for so many milliseconds. */
const stopped = (fleet: FleetClient, vm: string, ms: number): Observable<string> =>
  fleet
    .events$({ vm, names: ['STOP', 'RESUME'] })
    .pipe(switchMap(({ event }) => (event.event === 'STOP' ? timer(ms).pipe(map(() => vm)) : NEVER)));

describe('FakeNats', () => {
  let nats: FakeNats;
  let fleet: FleetClient;

  beforeEach(() => {
    nats = new FakeNats();
    fleet = new FleetClient(nats.connect());
  });

  afterEach(async () => {
    await fleet.close();
    await nats.close();
  });

  const letters = { s: 'STOP', r: 'RESUME', w: 'WAKEUP' } as const;

  describe('in virtual time', () => {
    it('tells the events of a bus, as those of a VM', () => {
      qmpMarbles(({ bus, expectObservable }) => {
        void nats.host('h1').add('vm1', bus('            s 4s r s 6s r'));
        void nats.host('h2').add('vm1', bus('            - s'));
        expectObservable(stopped(fleet, 'h1/vm1', 5_000)).toBe('- 4s - 5s x', { x: 'h1/vm1' });
        expectObservable(fleet.events$().pipe(map(({ vm }) => vm))).toBe('ab 3999ms aa 6s a', {
          a: 'h1/vm1',
          b: 'h2/vm1',
        });
      }, letters);
    });

    it('tells a hole with the event after it, and a lost last event with the beat', () => {
      qmpMarbles(({ bus, at, expectObservable }) => {
        const host = nats.host('h1');
        void host.add('vm1', bus('s-ww-s'));
        const gaps$ = fleet.gaps$().pipe(map(({ vm, missed }) => `${vm} ${missed}`));
        expectObservable(gaps$, '^-------!').toBe('---a---b', { a: 'h1/vm1 1', b: 'h1/vm1 1' });
        at(1, () => {
          host.lose();
        });
        at(4, () => {
          host.lose();
        });
        at(7, () => {
          host.beat();
        });
      }, letters);
    });

    it('tells that an agent is silent, three beats after it was heard last', () => {
      qmpMarbles(({ at, expectObservable }) => {
        const host = nats.host('h1');
        const causes$ = fleet.gaps$().pipe(map(({ cause }) => cause));
        expectObservable(causes$).toBe('1ms 15s x', { x: 'the agent of h1 is silent' });
        at(1, () => {
          host.beat();
          host.kill();
        });
      });
    });

    it('tells that the server is away', () => {
      qmpMarbles(({ at, expectObservable }) => {
        const phases$ = fleet.state$.pipe(map(({ phase }) => phase));
        expectObservable(phases$).toBe('o-r---o', { o: 'open', r: 'reconnecting' });
        at(2, () => {
          nats.disconnect();
        });
        at(6, () => {
          nats.reconnect();
        });
      });
    });

    it('tells how the list of VMs changes that was known before', async () => {
      const host = nats.host('h1');
      const qemu = new FakeQemu();
      await host.add('vm1', qemu);
      const held = fleet.vms$.subscribe();
      await firstValueFrom(fleet.vms$.pipe(filter(([vm]) => vm?.state === 'ready')));
      qmpMarbles(({ at, expectObservable }) => {
        const status$ = fleet.vms$.pipe(map(([vm]) => vm?.status));
        expectObservable(status$, '^ 1s !').toBe('a 60ms b', { a: 'running', b: 'paused' });
        at(11, () => {
          qemu.emit('STOP');
        });
      });
      held.unsubscribe();
    });
  });

  it('delivers to all in one order, also what is published from inside a delivery', () => {
    const connection = nats.connect();
    const heard: string[] = [];
    connection.subscribe('a', {
      callback: (_error, message) => {
        if (message.string() === '1') connection.publish('a', '2');
      },
    });
    connection.subscribe('*', { callback: (_error, message) => heard.push(message.string()) });
    connection.publish('a', '1');
    expect(heard).toEqual(['1', '2']);
  });

  it('is a NatsConnection: messages, requests, iteration, closing', async () => {
    const one: FakeNatsConnection = nats.connect();
    const connection: NatsConnection = one;
    const echo = connection.subscribe('echo.>');
    const answering = (async () => {
      for await (const message of echo) message.respond(`${message.subject}: ${message.string()}`);
    })();
    expect((await connection.request('echo.x', 'hello')).string()).toBe('echo.x: hello');
    await expect(connection.request('nobody', '')).rejects.toThrow("no responders: 'nobody'");
    await expect(connection.requestMany('echo.x')).rejects.toThrow('no requestMany()');
    connection.subscribe('deaf', { callback: () => undefined });
    await expect(connection.request('deaf', '', { timeout: 1 })).rejects.toThrow('deaf: no answer within 1 ms');
    const statuses: string[] = [];
    const watching = (async () => {
      for await (const { type } of connection.status()) statuses.push(type);
    })();
    nats.disconnect();
    connection.publish('echo.x', 'lost');
    nats.reconnect();
    await connection.close();
    await Promise.all([answering, watching, connection.closed()]);
    expect(statuses).toEqual(['disconnect', 'reconnect']);
    expect(connection.isClosed()).toBe(true);
    expect(() => {
      connection.publish('a');
    }).toThrow('is closed');
  });

  it('says what it cannot do', async () => {
    const bus = new EventBus(EMPTY);
    const host = nats.host('h1');
    await host.add('vm1', new EventBus(NEVER));
    await expect(fleet.client('h1/vm1', { reconnect: false }).connect()).rejects.toThrow(
      'it is a bus, which takes no commands: add a FakeQemu',
    );
    await expect(firstValueFrom(fleet.consume('worker'))).rejects.toThrow('a FakeNats has no durable consumers');
    await expect(host.add('vm1', bus)).rejects.toThrow('h1 has a VM vm1 already');
    await expect(host.add('', bus)).rejects.toThrow('the name of a VM');
    expect(() => nats.host('a/b')).toThrow('a host has no /');
    expect(() => nats.host('h1')).toThrow('h1 is served already: stop() or kill() that host first');
    expect(() => new FakeNats({ beat: 0 })).toThrow('beat');
    host.stop();
    await expect(host.add('vm2', bus)).rejects.toThrow('h1 has ended');
  });

  it('has hosts that come again under their name', async () => {
    const first = nats.host('h1');
    await first.add('vm1', new FakeQemu());
    const client = fleet.client('h1/vm1', { reconnect: { delay: () => 10 } });
    await client.connect();
    first.kill();
    const gap = firstValueFrom(client.gaps$);
    const second = nats.host('h1');
    await second.add('vm1', new FakeQemu());
    await second.add('vm2', new FakeQemu());
    await client.connect();
    await gap;
    second.remove('vm2');
    const vms = await firstValueFrom(fleet.vms$.pipe(filter((list): list is FleetVm[] => list.length === 1)));
    expect(vms).toMatchObject([{ name: 'h1/vm1', state: 'ready' }]);
  });
});
