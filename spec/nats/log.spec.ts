import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { headers } from '@nats-io/nats-core';
import { jetstreamManager } from '@nats-io/jetstream';
import { FakeQemu } from 'rx-qmp/testing';
import type { FleetClient, FleetEvent, FleetGap, Where } from 'rx-qmp/fleet';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest } from './fleet-under-test.js';

describeNats('the log', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;
  let reader: FleetClient;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
    qemu = new FakeQemu();
    reader = await fleet.client();
  });

  afterEach(() => fleet.end());

  const read = (
    where: Where & { since?: Date | string; until?: Date | string } = {},
  ): Promise<(FleetEvent | FleetGap)[]> => firstValueFrom(reader.history(where).pipe(toArray()));

  /** Waits until it holds so many of a name. */
  async function stored(name: string, count: number): Promise<FleetEvent[]> {
    for (;;) {
      const events = (await read({ names: [name] })).filter((one): one is FleetEvent => 'event' in one);
      if (events.length >= count) return events;
    }
  }

  it('holds every event in its order, also those of the time without a server (F8)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    await reader.client('h1/vm1').connect();
    for (let at = 0; at < 100; at += 1) qemu.emit('RTC_CHANGE', { offset: at, 'qom-path': '/rtc' });
    await fleet.server.kill();
    for (let at = 100; at < 200; at += 1) qemu.emit('RTC_CHANGE', { offset: at, 'qom-path': '/rtc' });
    await fleet.server.restart();
    const events = await stored('RTC_CHANGE', 200);
    expect(events.map(({ event }) => (event.data as { offset: number }).offset)).toEqual(
      Array.from({ length: 200 }, (_, at) => at),
    );
  });

  it('is bounded where it is not written, and the hole tells how many are missing (F8)', async () => {
    const agent = await fleet.agent('h1', { vms: { vm1: qemu.connector }, limits: { bufferEvents: 50 } });
    await reader.client('h1/vm1').connect();
    qemu.emit('STOP');
    await stored('STOP', 1);
    await fleet.server.kill();
    for (let at = 0; at < 120; at += 1) qemu.emit('WAKEUP');
    await fleet.server.restart();
    await stored('WAKEUP', 50);
    expect((await read({ vm: 'h1/vm1' })).filter((one): one is FleetGap => !('event' in one))).toMatchObject([
      { vm: 'h1/vm1', missed: 70, cause: 'events were lost before they were stored' },
    ]);
    expect(agent.metrics()).toContain('rxqmp_agent_log_dropped_total 70\n');
  });

  it('is read from a position or a time to another, and ends where it ended (F9)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector, vm2: new FakeQemu().connector } });
    await reader.client('h1/vm1').connect();
    for (const name of ['STOP', 'RESUME', 'STOP', 'WAKEUP'] as const) qemu.emit(name);
    await stored('WAKEUP', 1);
    const all = (await read({ vm: 'h1/vm1' })) as FleetEvent[];
    expect(all.map(({ event }) => event.event)).toEqual(['STOP', 'RESUME', 'STOP', 'WAKEUP']);
    const [, second, third] = all;
    expect(await read({ vm: 'h1/vm1', since: second?.position ?? '', until: third?.position ?? '' })).toEqual([third]);
    expect(await read({ since: new Date(Date.now() + 60_000) })).toEqual([]);
    expect(await read({ until: new Date(0) })).toEqual([]);
    expect(await read({ names: ['STOP', 'WAKEUP'] })).toEqual(all.filter(({ event }) => event.event !== 'RESUME'));
    expect(await read({ host: 'h2' })).toEqual([]);
    expect(() => reader.history({ since: '17.1.3' })).toThrow('since must be a Date, or a position from history()');
  });

  it('shows where a session begins, and marks what was stored late (F9)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const client = reader.client('h1/vm1');
    await client.connect();
    qemu.emit('STOP');
    qemu.restart();
    await firstValueFrom(client.gaps$);
    qemu.emit('WAKEUP');
    await stored('WAKEUP', 1);
    const nats = await fleet.connect();
    const { epoch } = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ epoch: number }>();
    const late = headers();
    late.set('Nats-Msg-Id', `h1/vm1:${epoch - 5}.1.7.1`);
    await nats.request('qmp1.log.h1.vm1.RESUME', '{"event":"RESUME","timestamp":{"seconds":1,"microseconds":0}}', {
      headers: late,
      timeout: 5000,
    });
    const told = await read({ vm: 'h1/vm1' });
    expect(told.map((one) => ('event' in one ? [one.event.event, one.late] : one.cause))).toEqual([
      ['STOP', undefined],
      'a new session to QEMU has begun',
      ['WAKEUP', undefined],
      'an older session goes on, and what it had before is not known',
      ['RESUME', true],
    ]);
  });

  it('takes no notice of what is not ours in it (F2)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    await reader.client('h1/vm1').connect();
    const nats = await fleet.connect();
    for (const [at, id] of ['x', 'h1/vm2:1.1.1.1', 'h1/vm1:1.1'].entries()) {
      const header = headers();
      header.set('Nats-Msg-Id', id);
      await nats.request('qmp1.log.h1.vm1.STOP', at === 0 ? '{' : '{"event":"STOP"}', {
        headers: header,
        timeout: 5000,
      });
    }
    qemu.emit('WAKEUP');
    await stored('WAKEUP', 1);
    expect(await read({ names: ['STOP'] })).toEqual([]);
  });

  it('is consumed to the end, each event again until it is acknowledged, and none twice (F9)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    await reader.client('h1/vm1').connect();
    for (let at = 0; at < 10; at += 1) qemu.emit('RTC_CHANGE', { offset: at, 'qom-path': '/rtc' });
    await stored('RTC_CHANGE', 10);
    const first = await lastValueFrom(reader.consume('worker').pipe(take(4), toArray()));
    for (const delivery of first) delivery.ack();
    await (await fleet.connect()).flush();
    const jsm = await jetstreamManager(await fleet.connect());
    // What was taken ahead and not acknowledged comes again: at once, as if 30 s had passed.
    await jsm.consumers.update('QMP', 'worker', { ack_wait: 100_000_000 });
    const rest = await lastValueFrom(reader.consume('worker').pipe(take(6), toArray()));
    for (const delivery of rest) delivery.ack();
    const effects = [...first, ...rest].map(({ event }) => (event.data as { offset: number }).offset);
    expect(effects.sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await expect(firstValueFrom(reader.consume('worker', { host: 'h2' }))).rejects.toThrow('take another name');
    expect(() => reader.consume('a b')).toThrow('the name of a durable');
  });

  it('that is not there is an error which says what is missing (F9)', async () => {
    await expect(read()).rejects.toThrow('NATS says of the log of events: stream not found');
  });
});
