import { firstValueFrom, filter, take, toArray } from 'rxjs';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import fc from 'fast-check';
import { FakeQemu } from 'rx-qmp/testing';
import type { FleetGap } from 'rx-qmp/fleet';
import { listen } from '../../src/fleet/listen.js';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, stored } from './fleet-under-test.js';
import { RawPublisher } from './raw-publisher.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const BAD_HEADERS = [
  'NATS/1.0\r\n\u0001 bad\u0000key: x\r\n\r\n',
  'NATS/1.0\r\nnothing\r\n\r\n',
  '\r\n\r\n',
  ': :\r\n\r\n',
];

describeNats('what anybody may publish', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start('max_payload: 32768\n');
    qemu = new FakeQemu();
  });

  afterEach(() => fleet.end());

  it('is heard under the subject that was subscribed to, and under no other (F10)', async () => {
    const nats = await fleet.connect();
    const jsm = await jetstreamManager(nats);
    await jsm.streams.add({ name: 'THEIRS', subjects: ['theirs.>'] });
    const [arrived, heard]: [string[], string[]] = [[], []];
    // The consumer is bound by the literal subscription; those with a wildcard get what it delivers, too.
    nats.subscribe('qmp1.evt.h1.vm1.STOP', {
      callback: (_error, { subject }) => {
        arrived.push(subject);
      },
    });
    listen(nats, 'qmp1.evt.h1.vm1.*', ({ subject }) => heard.push(subject));
    // The server delivers to the one subject what keeps the other (nats-server #8274).
    const delivery = { name: 'x', deliver_subject: 'qmp1.evt.h1.vm1.STOP', ack_policy: AckPolicy.None };
    await jsm.consumers.add('THEIRS', delivery);
    await jetstream(nats).publish('theirs.event');
    while (arrived.length === 0) await nats.flush();
    nats.publish('qmp1.evt.h1.vm1.STOP');
    while (heard.length === 0) await nats.flush();
    expect(arrived[0]).toBe('theirs.event');
    expect(heard).toEqual(['qmp1.evt.h1.vm1.STOP']);
  });

  const rude = async (): Promise<RawPublisher> => {
    const publisher = await RawPublisher.connect(fleet.server.port);
    fleet.later(async () => {
      publisher.close();
      await Promise.resolve();
    });
    return publisher;
  };
  const helloOf = async (nats: NatsConnection) =>
    (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ epoch: number; session: number; n: number }>();

  it('kills no agent and stops no reader, whatever the bytes of headers and payload (F10)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector }, allow: ['stop'], beat: 5_000 });
    const reader = await fleet.client();
    const client = reader.client('h1/vm1');
    await client.connect();
    const live = firstValueFrom(reader.events$().pipe(take(1)));
    const publisher = await rude();
    const tokens = fc.constantFrom(
      'vm1',
      'vm9',
      '=',
      '=zz',
      'x',
      'q',
      's',
      'o',
      'stop',
      'hello',
      '~up',
      '~down',
      'STOP',
      '=00',
    );
    const kind = fc.constantFrom(
      'qmp1.cmd.h1',
      'qmp1.evt.h1',
      'qmp1.hb',
      'qmp1.log.h1',
      '$KV.qmp-vms',
      '$KV.qmp-vms.h1',
    );
    const subject = fc
      .tuple(kind, fc.array(tokens, { minLength: 1, maxLength: 4 }))
      .map(([a, b]) => [a, ...b].join('.'));
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => Buffer.from(json)),
      fc.constantFrom(...BAD_HEADERS).map(bytes),
    );
    const headerBytes = fc.oneof(
      fc.constant(new Uint8Array()),
      fc.constantFrom(...BAD_HEADERS).map(bytes),
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc
        .tuple(fc.constantFrom('Qmp-To', 'Nats-Msg-Id', 'Qmp-Part'), fc.string())
        .map(([key, value]) => Buffer.from(`NATS/1.0\r\n${key}: ${value}\r\n\r\n`)),
    );
    const reply = fc.constantFrom('', '_INBOX.x.1', 'qmp1.evt.h1.vm1.STOP', 'qmp1.hb.h1', 'qmp1.cmd.h1.vm1.x.stop');
    for (const [to, at, head, body] of fc.sample(fc.tuple(subject, reply, headerBytes, text), 2_000)) {
      publisher.publish(to, at, head, body);
    }
    await publisher.flush();
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
    qemu.emit('WAKEUP');
    expect((await live).event.event).toBe('WAKEUP');
  });

  it('makes no agent answer anywhere but at an inbox: not to a stream, a claim or another agent (F10)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector }, allow: ['stop'] });
    const nats = await fleet.connect();
    const reader = await fleet.client();
    await reader.client('h1/vm1').connect();
    qemu.emit('WAKEUP');
    const jsm = await jetstreamManager(nats);
    const state = async () => (await jsm.streams.info('QMP')).state.messages;
    while ((await state()) < 2) await helloOf(nats);
    for (const reply of ['$JS.API.STREAM.PURGE.QMP', 'qmp1.log.h1.vm1.STOP', '$KV.qmp-agents.h1', 'qmp1.hb.h1']) {
      nats.publish('qmp1.cmd.h1.vm1.s.hello', '', { reply });
    }
    await nats.flush();
    await helloOf(nats);
    expect(await state()).toBe(2);
    const entry = await jsm.streams.getMessage('KV_qmp-agents', { last_by_subj: '$KV.qmp-agents.h1' });
    expect(entry?.json()).toHaveProperty('machine');
  });

  it('with forged numbers makes no reader deaf: what is missing is told by the next beat (F2)', async () => {
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    const nats = await fleet.connect();
    const gaps: FleetGap[] = [];
    reader.gaps$().subscribe((gap) => gaps.push(gap));
    const { epoch, session } = await helloOf(nats);
    for (const id of [`${epoch}.${session}.900000.1`, `${epoch}.${session + 7}.1.1`, `${epoch + 1e9}.1.1.1`]) {
      const header = headers();
      header.set('Nats-Msg-Id', `h1/vm1:${id}`);
      nats.publish('qmp1.evt.h1.vm1.STOP', '{"event":"STOP","timestamp":{"seconds":1,"microseconds":0}}', {
        headers: header,
      });
      await nats.flush();
      const heard = firstValueFrom(reader.events$().pipe(filter(({ event }) => event.event === 'WAKEUP')));
      const told = firstValueFrom(reader.gaps$().pipe(filter(({ cause }) => cause.includes('somebody else'))));
      qemu.emit('WAKEUP');
      await told;
      qemu.emit('WAKEUP');
      await heard;
    }
    for (const beat of [
      { epoch: epoch + 1e9, beat: 1, after: 0, every: 3_600_000, moved: {} },
      { epoch, beat: 1e12, after: 0, every: 3_600_000, moved: {} },
    ]) {
      nats.publish('qmp1.hb.h1', JSON.stringify(beat));
    }
    await nats.flush();
    const client = reader.client('h1/vm1', { reconnect: { delay: () => 50 } });
    await client.connect();
    const { beat } = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ beat: number }>();
    for (let now = beat; now < beat + 5;) {
      now = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ beat: number }>().beat;
    }
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
  });

  it('of a QEMU is never in the way of what follows: an event beyond max_payload is a hole (F8)', async () => {
    const warnings: string[] = [];
    const logger = { debug: () => undefined, warn: (text: string) => warnings.push(text) };
    const agent = await fleet.agent('h1', { vms: { vm1: qemu.connector }, logger });
    const reader = await fleet.client();
    await reader.client('h1/vm1').connect();
    qemu.emit('WAKEUP');
    qemu.emit('RTC_CHANGE', { offset: 1, 'qom-path': 'x'.repeat(40_000) });
    qemu.emit('STOP');
    await stored(agent, 3); // with the marker of the session's begin
    const items = await firstValueFrom(reader.history().pipe(toArray()));
    const told = items.map((one) => ('event' in one ? one.event.event : one.missed));
    expect(told).toEqual(['WAKEUP', 1, 'STOP']);
    expect(warnings).toContainEqual(expect.stringContaining('max_payload'));
    expect(agent.metrics()).toContain('rxqmp_agent_log_dropped_total 1\n');
  });
});
