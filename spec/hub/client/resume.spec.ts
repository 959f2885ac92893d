import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { firstValueFrom, toArray } from 'rxjs';
import { HubClient, type HubClientOptions, type HubEvent, type HubGap } from 'rx-qmp';
import { createHub } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { WebSocket } from 'ws';
import { closeAll, closeLater, startHub, until } from '../hub-under-test.js';
import { get, OPERATOR, RawClient, VIEWER, type Json } from '../raw-client.js';

afterEach(closeAll);

const soon = { delay: () => 5 };
const UNLISTED = 'TICK' as string;
const authorized = { Authorization: `Bearer ${VIEWER}` };

/** A way to the hub that can be cut. */
class Cable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(port: number) {
    this.#server = createServer((socket) => {
      if (this.#cut) {
        socket.destroy();
        return;
      }
      const onwards = connect(port, '127.0.0.1');
      for (const end of [socket, onwards]) {
        this.#sockets.add(end);
        end.on('error', () => undefined).on('close', () => this.#sockets.delete(end));
      }
      socket.pipe(onwards).pipe(socket);
    });
  }

  static async to(port: number): Promise<Cable> {
    const cable = new Cable(port);
    cable.#server.listen(0, '127.0.0.1');
    await once(cable.#server, 'listening');
    return closeLater(cable);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Heard {
  readonly events: HubEvent[];
  readonly gaps: HubGap[];
}

async function listen(url: string, options: HubClientOptions = {}): Promise<Heard & { client: HubClient }> {
  const client = closeLater(new HubClient(url, { token: VIEWER, WebSocket, reconnect: soon, ...options }));
  const heard: Heard = { events: [], gaps: [] };
  client.events$.subscribe((event) => heard.events.push(event));
  client.gaps$.subscribe((gap) => heard.gaps.push(gap));
  await inPhase(client, 'open');
  return { ...heard, client };
}

async function inPhase(client: HubClient, phase: string): Promise<void> {
  let now = '';
  const watching = client.state$.subscribe((state) => (now = state.phase));
  await until(() => now === phase);
  watching.unsubscribe();
}

const ticks = (events: readonly HubEvent[]): unknown[] =>
  events.map(({ event }) => (event.data as { tick: number }).tick);
const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => from + index);

describe('resuming (H7)', () => {
  it('loses nothing and doubles nothing over a cut, and tells no gap (H7)', async () => {
    const { hub, fake } = await startHub();
    const cable = await Cable.to(hub.port);
    const { client, events, gaps } = await listen(cable.url);
    for (const tick of upTo(100)) fake.emit(UNLISTED, { tick });
    await until(() => events.length === 100);
    cable.cut();
    await inPhase(client, 'reconnecting');
    for (const tick of upTo(900, 101)) fake.emit(UNLISTED, { tick });
    cable.mend();
    await inPhase(client, 'open');
    for (const tick of upTo(100, 1_001)) fake.emit(UNLISTED, { tick });
    await until(() => events.length >= 1_100);
    expect(ticks(events)).toEqual(upTo(1_100));
    expect(gaps).toEqual([]);
    expect(new Set(events.map(({ position }) => position)).size).toBe(1_100);
  });

  it('loses nothing in five seconds without a cable, under 200 events a second of four VMs (H7)', async () => {
    const { hub, fake } = await startHub();
    const fakes = [fake, ...['vm2', 'vm3', 'vm4'].map(() => new FakeQemu())];
    fakes.slice(1).forEach((one, index) => {
      hub.add(`vm${index + 2}`, one.connector);
    });
    await until(() => hub.vms.every(({ state }) => state === 'ready'));
    const cable = await Cable.to(hub.port);
    // With the delays of its own.
    const client = closeLater(new HubClient(cable.url, { token: VIEWER, WebSocket }));
    const [events, gaps]: [HubEvent[], HubGap[]] = [[], []];
    client.events$.subscribe((event) => events.push(event));
    client.gaps$.subscribe((gap) => gaps.push(gap));
    await inPhase(client, 'open');
    let tick = 0;
    const ticking = setInterval(() => {
      tick += 1;
      for (const one of fakes) one.emit(UNLISTED, { tick });
    }, 20);
    const whenTick = (wanted: number): Promise<void> => until(() => tick >= wanted);
    try {
      await whenTick(25);
      cable.cut();
      await whenTick(tick + 250);
      cable.mend();
      await inPhase(client, 'open');
      await whenTick(tick + 25);
    } finally {
      clearInterval(ticking);
    }
    await until(() => events.length >= 4 * tick);
    for (const { name } of hub.vms) expect(ticks(events.filter(({ vm }) => vm === name))).toEqual(upTo(tick));
    expect(gaps).toEqual([]);
  }, 60_000);

  it('tells how many are missing where the hub has not kept them all (H7)', async () => {
    const { hub, fake } = await startHub({ historyEvents: 10 });
    const cable = await Cable.to(hub.port);
    const { client, events, gaps } = await listen(cable.url);
    fake.emit(UNLISTED, { tick: 1 });
    await until(() => events.length === 1);
    cable.cut();
    await inPhase(client, 'reconnecting');
    for (const tick of upTo(50, 2)) fake.emit(UNLISTED, { tick });
    cable.mend();
    await until(() => events.length === 11);
    expect(ticks(events)).toEqual([1, ...upTo(10, 42)]);
    expect(gaps).toEqual([
      {
        vm: 'vm1',
        missed: 40,
        since: expect.any(Date) as Date,
        until: expect.any(Date) as Date,
        cause: expect.any(Error) as Error,
      },
    ]);
  });

  it('tells of a loss whose VM has said nothing since, with the next event of any VM (H7)', async () => {
    const { hub, fake } = await startHub({ historyBytes: 10_000 });
    const second = new FakeQemu();
    hub.add('vm2', second.connector);
    await until(() => hub.vms.every(({ state }) => state === 'ready'));
    const cable = await Cable.to(hub.port);
    const { client, events, gaps } = await listen(cable.url);
    cable.cut();
    await inPhase(client, 'reconnecting');
    fake.emit(UNLISTED, { tick: 1 });
    for (const tick of upTo(200)) second.emit(UNLISTED, { tick });
    cable.mend();
    await inPhase(client, 'open');
    second.emit(UNLISTED, { tick: 201 });
    await until(() => events.length > 0 && ticks(events).at(-1) === 201);
    expect(gaps.map(({ vm, missed }) => ({ vm, missed }))).toEqual(expect.arrayContaining([{ vm: 'vm1', missed: 1 }]));
    const missed = gaps.reduce((sum, gap) => sum + (gap.missed ?? NaN), 0);
    expect(missed + events.length).toBe(202);
  });

  it('tells a gap without a number when the hub has begun again, and gets what the new one has (H7)', async () => {
    const test = await startHub();
    const { client, events, gaps } = await listen(test.hub.url);
    test.fake.emit(UNLISTED, { tick: 1 });
    await until(() => events.length === 1);
    const { port } = test.hub;
    await test.hub.close();
    await inPhase(client, 'reconnecting');
    const fake = new FakeQemu();
    const tokens = [{ role: 'viewer' as const, token: VIEWER }];
    const hub = closeLater(await createHub({ port, vms: { vm1: fake.connector }, tokens }));
    await until(() => hub.vms[0]?.state === 'ready');
    fake.emit(UNLISTED, { tick: 2 });
    await until(() => events.length === 2);
    expect(ticks(events)).toEqual([1, 2]);
    expect(gaps).toMatchObject([{ since: expect.any(Date) as Date, cause: expect.any(Error) as Error }]);
    expect(gaps[0]).not.toHaveProperty('missed');
    expect(gaps[0]).not.toHaveProperty('vm');
  });

  it('tells no gap of the time in which nobody was subscribed (H7)', async () => {
    const { hub, fake } = await startHub();
    const { client, gaps } = await listen(hub.url);
    await client.close();
    fake.emit(UNLISTED, { tick: 1 });
    const again = await listen(hub.url);
    fake.emit(UNLISTED, { tick: 2 });
    await until(() => again.events.length === 1);
    expect([...gaps, ...again.gaps]).toEqual([]);
  });
});

describe('the past of the hub (H7)', () => {
  it('comes first where it is asked for, without a gap, and what follows is counted on (H7)', async () => {
    const { fake, hub } = await startHub();
    for (const tick of upTo(10)) fake.emit(UNLISTED, { tick });
    await until(() => hub.vms[0]?.events === 10);
    const client = closeLater(new HubClient(hub.url, { token: OPERATOR, WebSocket, last: 4 }));
    const heard: unknown[] = [];
    const gaps: HubGap[] = [];
    client.events$.subscribe(({ event }) => heard.push((event.data as { tick: number }).tick));
    client.gaps$.subscribe((gap) => gaps.push(gap));
    await until(() => heard.length === 4);
    fake.emit(UNLISTED, { tick: 11 });
    await until(() => heard.length === 5);
    expect(heard).toEqual([7, 8, 9, 10, 11]);
    expect(gaps).toEqual([]);
  });

  it('is none where nobody asks for it (H7)', async () => {
    const { fake, hub } = await startHub();
    fake.emit(UNLISTED, { tick: 1 });
    await until(() => hub.vms[0]?.events === 1);
    const client = closeLater(new HubClient(hub.url, { token: OPERATOR, WebSocket }));
    const heard: unknown[] = [];
    client.events$.subscribe(({ event }) => heard.push((event.data as { tick: number }).tick));
    await firstValueFrom(client.vms$);
    fake.emit(UNLISTED, { tick: 2 });
    await until(() => heard.length > 0);
    expect(heard).toEqual([2]);
  });

  it('is a number of events', () => {
    expect(() => new HubClient('ws://127.0.0.1:1', { last: -1 })).toThrow(RangeError);
  });
});

describe('the history of the hub (H7)', () => {
  it('gives the events of a VM, oldest first, in pages (H7)', async () => {
    const { hub, fake } = await startHub();
    for (const tick of upTo(30)) fake.emit(UNLISTED, { tick });
    const client = closeLater(new HubClient(hub.url, { token: VIEWER, WebSocket }));
    const latest = await firstValueFrom(client.history('vm1', { limit: 10 }).pipe(toArray()));
    expect(ticks(latest)).toEqual(upTo(10, 21));
    const before = latest[0]?.position ?? '';
    const earlier = await firstValueFrom(client.history('vm1', { limit: 10, before }).pipe(toArray()));
    expect(ticks(earlier)).toEqual(upTo(10, 11));
    const all = await firstValueFrom(client.history('vm1').pipe(toArray()));
    expect(ticks(all)).toEqual(upTo(30));
    const other = await firstValueFrom(client.history('vm1', { before: 'other.5' }).pipe(toArray()));
    expect(other).toEqual([]);
  });

  it('errors where there is no such VM, or the request is not valid', async () => {
    const { hub } = await startHub();
    const client = closeLater(new HubClient(hub.url, { token: VIEWER, WebSocket }));
    await expect(firstValueFrom(client.history('none').pipe(toArray()))).rejects.toMatchObject({
      name: 'ConnectError',
      message: expect.stringMatching(/\/vms\/none\/events: the hub answers 404 there is no such VM/) as string,
    });
    for (const query of ['limit=x', 'limit=-1', 'before=x', 'before=a.b', 'before=.1']) {
      expect(await get(`${hub.url}/vms/vm1/events?${query}`, authorized)).toMatchObject({ status: 400 });
    }
  });

  it('keeps the latest of each VM, and of all no more than its bytes; the oldest go first (H7)', async () => {
    const { hub, fake } = await startHub({ historyEvents: 5, historyBytes: 100_000 });
    const second = new FakeQemu();
    hub.add('vm2', second.connector);
    await until(() => hub.vms.every(({ state }) => state === 'ready'));
    for (const tick of upTo(10)) fake.emit(UNLISTED, { tick });
    second.emit(UNLISTED, { tick: 1 });
    const kept = async (vm: string): Promise<unknown[]> => {
      const client = closeLater(new HubClient(hub.url, { token: OPERATOR, WebSocket }));
      return ticks(await firstValueFrom(client.history(vm).pipe(toArray())));
    };
    expect(await kept('vm1')).toEqual(upTo(5, 6));
    for (const tick of upTo(5, 2)) second.emit(UNLISTED, { tick, text: 'x'.repeat(30_000) });
    expect(await kept('vm1')).toEqual([]);
    expect(await kept('vm2')).toEqual(upTo(3, 4));
  });
});

describe('/events (H7)', () => {
  it('begins with the latest events where they are asked for: last=, after= (H7)', async () => {
    const { hub, fake } = await startHub();
    for (const tick of upTo(20)) fake.emit(UNLISTED, { tick });
    const open = async (query: string): Promise<RawClient> =>
      closeLater(await RawClient.open(`${hub.url}/events${query}`, { token: VIEWER }));
    const first = await open('?last=3');
    const greeting = (await first.next()) as { hub: { epoch: string }; n: number };
    expect(greeting.n).toBe(20);
    const numbers = (events: readonly Json[]): unknown[] => events.map(({ n, k }) => [n, k]);
    expect(numbers([await first.next(), await first.next(), await first.next()])).toEqual([
      [18, 18],
      [19, 19],
      [20, 20],
    ]);
    const second = await open(`?after=${greeting.hub.epoch}.18`);
    await second.next();
    expect(numbers([await second.next(), await second.next()])).toEqual([
      [19, 19],
      [20, 20],
    ]);
    fake.emit(UNLISTED, { tick: 21 });
    expect(numbers([await first.next(), await second.next()])).toEqual([
      [21, 21],
      [21, 21],
    ]);
    for (const query of ['?after=x', '?after=a.b.c', '?last=x', '?last=-1']) {
      await expect(open(query)).rejects.toThrow('400');
    }
  });

  it('keeps nothing for a reader that stops: it goes on at its place, and finds the hole (H7)', async () => {
    const { hub, fake } = await startHub({ historyEvents: 100 });
    const slow = closeLater(await RawClient.open(`${hub.url}/events`, { token: VIEWER }));
    await slow.next();
    slow.socket.pause();
    const text = 'x'.repeat(60_000);
    for (const tick of upTo(600)) {
      fake.emit(UNLISTED, { tick, text });
      if (tick % 20 === 0) await new Promise(setImmediate);
    }
    slow.socket.resume();
    const ks: number[] = [];
    while (ks.at(-1) !== 600) ks.push(((await slow.next()) as { k: number }).k);
    expect(ks).toEqual([...ks].sort((a, b) => a - b));
    expect(ks.length).toBeLessThan(600);
  });
});
