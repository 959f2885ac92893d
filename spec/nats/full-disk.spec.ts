import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom, toArray } from 'rxjs';
import { DiscardPolicy, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Agent } from 'rx-qmp/agent';
import type { FleetClient } from 'rx-qmp/fleet';
import { FakeQemu } from 'rx-qmp/testing';
import { describeNats } from '../support/nats.js';
import { smallDisk } from '../support/small-disk.js';
import { FleetUnderTest, stored, vmOnce } from './fleet-under-test.js';

const BUFFER = 50;
const EVENTS = 200;
const FULL = `more than ${BUFFER} events, or 67108864 bytes, wait for the log: the oldest are dropped`;

describeNats('a server without room', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;
  let agent: Agent;
  let reader: FleetClient;
  let warnings: string[];

  beforeEach(() => {
    fleet = new FleetUnderTest();
    qemu = new FakeQemu();
    warnings = [];
  });

  afterEach(() => fleet.end());

  /** An agent with a VM whose first event is in the log. */
  async function begin(): Promise<void> {
    const logger = { debug: () => undefined, warn: (text: string) => warnings.push(text) };
    const limits = { bufferEvents: BUFFER, logBytes: 1_000_000 };
    const nats = await fleet.connect({ timeout: 1_000 });
    agent = await fleet.agent('h1', { nats, vms: { vm1: qemu.connector }, logger, limits });
    reader = await fleet.client();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    emit(0);
    await stored(agent, 2); // with the marker of the session's begin
  }

  const emit = (offset: number): unknown => qemu.emit('RTC_CHANGE', { offset, 'qom-path': 'x'.repeat(200) });

  function figure(name: string): number {
    return Number(new RegExp(`^rxqmp_agent_${name} (.*)$`, 'm').exec(agent.metrics())?.[1]);
  }

  /** The numbers of the events in the log, and how many are missing where some are. */
  async function logged(): Promise<(number | string)[]> {
    const items = await firstValueFrom(reader.history({ vm: 'h1/vm1' }).pipe(toArray()));
    return items.map((one) =>
      'event' in one
        ? ((one.event.data as { offset: number } | undefined)?.offset ?? one.event.event)
        : one.missed === undefined
          ? one.cause
          : `${one.missed} missing`,
    );
  }

  async function warned(wanted: (text: string) => boolean): Promise<void> {
    while (!warnings.some(wanted)) await setImmediate();
  }

  /** Every event once and in its order, or a hole that says how many are missing. Returns the holes. */
  function holesOf(log: readonly (number | string)[], first = 0): number[] {
    const holes: number[] = [];
    let next = first;
    for (const one of log) {
      if (typeof one === 'number') expect(one).toBe(next++);
      else holes.push(parseInt(one));
      if (typeof one === 'string') next += parseInt(one);
    }
    expect(next).toBe(EVENTS + 1);
    return holes;
  }

  it('in the log, which takes nothing new: events wait, live ones go on, and with room the log has one hole (F8)', async () => {
    await fleet.start();
    const nats = await fleet.connect();
    const jsm = await jetstreamManager(nats);
    const discard = DiscardPolicy.New;
    await jsm.streams.add({ name: 'QMP', subjects: ['qmp1.log.>'], max_bytes: 1_000_000, allow_direct: true, discard });
    const filler = (bytes: number): Promise<unknown> =>
      jetstream(nats).publish('qmp1.log.h9.filler.X', new Uint8Array(bytes));
    await begin();
    let said = '';
    for (const bytes of [64 * 1024, 1024, 1]) {
      for (said = ''; said === '';) {
        await filler(bytes).catch((error: unknown) => {
          if (!(error instanceof JetStreamApiError)) throw error;
          said = error.message;
        });
      }
    }
    const live: number[] = [];
    reader.events$().subscribe(({ event }) => live.push((event.data as { offset: number }).offset));
    const gaps: unknown[] = [];
    reader.gaps$().subscribe((gap) => gaps.push(gap));
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready'); // and the subscriptions are there
    for (let offset = 1; offset <= EVENTS; offset += 1) emit(offset);
    while (live.length < EVENTS) await setImmediate();
    await warned((text) => text.endsWith(`wait for the log, and the server stores none: ${said}`));
    expect(warnings).toContain(FULL);
    expect(figure('log_waiting')).toBe(BUFFER);
    expect(figure('speaking')).toBe(1);
    await expect(reader.client('h1/vm1').connect()).resolves.toBeDefined();
    await jsm.streams.update('QMP', { max_bytes: 2_000_000 });
    while (figure('log_waiting') > 0) await setImmediate();
    const log = await logged();
    // What makes it full drives the oldest out, in a server of 2.9.
    expect(holesOf(log, log[0] as number)).toEqual([figure('log_dropped_total')]);
    expect(gaps).toEqual([]);
  });

  it('as its disk is full: the agent is silent and says so; with room, and a new start, the log has one hole (F6, F8)', async () => {
    const disk = smallDisk(16, 'a full disk under the log of a fleet');
    if (!disk) return;
    fleet.later(async () => {
      disk.remove();
      await Promise.resolve();
    });
    await fleet.start((port) => `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${disk.path}/js" }\n`);
    await begin();
    disk.fill();
    const lengths: number[] = [];
    (await fleet.client()).vms$.subscribe(({ length }) => lengths.push(length));
    for (let offset = 1; offset <= EVENTS; offset += 1) {
      emit(offset);
      await setImmediate();
    }
    // Whoever writes gets no answer from a server of 2.9 any more; it does not even take what is live.
    while (figure('speaking') === 1) await setImmediate();
    expect(warnings).toContain(FULL);
    expect(warnings.at(-1)).toMatch(
      /^h1: NATS has not answered for \d+ ms: it is silent, and what happens waits for the log$/,
    );
    expect(figure('log_waiting')).toBe(BUFFER);
    disk.clear();
    await fleet.server.restart();
    const live = firstValueFrom(reader.events$().pipe(filter(({ event }) => event.event === 'WAKEUP')));
    while (figure('speaking') === 0) await setImmediate();
    while (figure('log_waiting') > 0) await setImmediate();
    await reader.client('h1/vm1').connect(); // the reader, too, is connected again by then
    qemu.emit('WAKEUP');
    await live;
    // Whoever has come meanwhile was told of no empty list.
    while (lengths.length === 0) await setImmediate();
    expect(lengths[0]).toBe(1);
    const log = (await logged()).filter((one) => one !== 'WAKEUP' && one !== 'a new session to QEMU has begun');
    // One that was on its way when the oldest were dropped parts the hole.
    const missing = holesOf(log).reduce((sum, hole) => sum + hole, 0);
    expect(missing).toBe(figure('log_dropped_total'));
  });
});
