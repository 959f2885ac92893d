import { firstValueFrom, take, toArray } from 'rxjs';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { FakeQemu } from 'rx-qmp/testing';
import type { FleetGap } from 'rx-qmp/fleet';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

/** Makes an agent lose one message, as a broken network does. Resolves when it is lost. */
function losing(nats: NatsConnection, pattern: RegExp): Promise<void> {
  const publish = nats.publish.bind(nats);
  let lost = 0;
  return new Promise((resolve) => {
    nats.publish = (subject, ...rest) => {
      if (!pattern.test(subject) || lost > 0) {
        publish(subject, ...rest);
        return;
      }
      lost += 1;
      resolve();
    };
  });
}

describeNats('a loss on the way', () => {
  let fleet: FleetUnderTest;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
  });

  afterEach(() => fleet.end());

  it.each(['the last', 'not the last'])('is told within a beat if it was %s (F2, F3)', async (which) => {
    const qemu = new FakeQemu();
    const nats = await fleet.connect();
    await fleet.agent('h1', { nats, vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    const client = reader.client('h1/vm1');
    const filtered = reader.client('h1/vm1', { names: ['RESUME'] });
    await Promise.all([client.connect(), filtered.connect()]);
    const gap = firstValueFrom(client.gaps$);
    const told = firstValueFrom(reader.gaps$({ host: 'h1' }));
    const ready = firstValueFrom(reader.events$().pipe(take(1)));
    await client.execute('query-status'); // what was subscribed to before is there by now
    qemu.emit('WAKEUP');
    await ready;
    void losing(nats, /^qmp1\.evt\.h1\.vm1\.STOP$/);
    qemu.emit('STOP');
    if (which === 'not the last') qemu.emit('WAKEUP');
    expect((await gap).cause?.message).toContain('an event is missing');
    expect(await told).toMatchObject({ vm: 'h1/vm1', missed: 1 });
    expect(filtered.stats.reconnects).toBe(0);
  });

  it('is told to a reader that has never heard of the VM (F2)', async () => {
    const qemu = new FakeQemu();
    const nats = await fleet.connect();
    await fleet.agent('h1', { nats, vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    const watcher = await fleet.connect();
    const told = firstValueFrom(reader.gaps$());
    // From the second beat on all that moves is known in full.
    const beats = new Promise<void>((resolve) => {
      let heard = 0;
      watcher.subscribe('qmp1.hb.h1', {
        callback: () => {
          if (++heard === 3) resolve();
        },
      });
    });
    await beats;
    void losing(nats, /STOP$/);
    qemu.emit('STOP');
    expect(await told).toMatchObject({ vm: 'h1/vm1', missed: 1, cause: 'events were lost on the way' });
  });

  it('of the connection ends the session, and live events of that time are told as a gap (F4)', async () => {
    const qemu = new FakeQemu();
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    const client = reader.client('h1/vm1', { reconnect: { delay: () => 50 } });
    await client.connect();
    const gaps = firstValueFrom(client.gaps$);
    const whole = firstValueFrom(reader.gaps$());
    await fleet.server.kill();
    qemu.emit('STOP');
    await fleet.server.restart();
    expect((await gaps).cause?.message).toMatch(/NATS is lost/);
    const gap: FleetGap = await whole;
    expect(gap).toMatchObject({ cause: 'the connection to NATS was lost' });
    expect(gap.vm).toBeUndefined();
    const stored = await firstValueFrom(reader.history({ names: ['STOP'] }).pipe(toArray()));
    expect(stored).toMatchObject([{ vm: 'h1/vm1', event: { event: 'STOP' } }]);
  });

  it('of a reply, which its agent had while it was not connected, interrupts who waits for it (F4, F7)', async () => {
    const qemu = new FakeQemu();
    let answer: (blocks: []) => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      qemu.on('query-block', () => {
        resolve();
        return new Promise((settle) => (answer = settle));
      });
    });
    const nats = await fleet.connect();
    await fleet.agent('h1', { nats, vms: { vm1: qemu.connector } });
    const client = (await fleet.client()).client('h1/vm1', { reconnect: false, executeTimeout: Infinity });
    await client.connect();
    const pending = client.execute('query-block');
    pending.catch(() => undefined);
    await asked;
    // What was on its way when the connection broke.
    const lost = losing(nats, /^_INBOX/);
    answer([]);
    await lost;
    await nats.reconnect();
    await expect(pending).rejects.toMatchObject({ name: 'ExecInterruptedError' });
  });

  it('of an agent makes its VMs unknown, never gone, and interrupts who waits (F5, F7)', async () => {
    const qemu = new FakeQemu();
    qemu.on('query-block', () => new Promise(() => undefined));
    const nats = await fleet.connect();
    const agent = await fleet.agent('h1', { nats, vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    const client = reader.client('h1/vm1', { reconnect: false });
    await client.connect();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    const pending = client.execute('query-block');
    pending.catch(() => undefined);
    const unknown = vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state !== 'ready');
    await nats.close();
    expect((await agent.ended)?.message).toMatch(/the connection to NATS is closed/);
    expect(await unknown).toMatchObject({ state: 'unknown', reason: 'its agent is not heard' });
    await expect(pending).rejects.toMatchObject({ name: 'ExecInterruptedError' });
  });

  it('is not made up by what others publish (F2, F10)', async () => {
    const qemu = new FakeQemu();
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    const client = reader.client('h1/vm1');
    await client.connect();
    const events = firstValueFrom(client.events$.pipe(take(1), toArray()));
    const rude = await fleet.connect();
    for (const id of ['h1/vm1:1.1.1.1', 'h1/vm2:1.1.1.1', 'nonsense', '']) {
      const header = headers();
      if (id !== '') header.set('Nats-Msg-Id', id);
      rude.publish('qmp1.evt.h1.vm1.STOP', '{"event":"STOP"}', { headers: header });
    }
    for (const beat of [
      '',
      '{',
      '[]',
      '{"epoch":1}',
      '{"epoch":1,"beat":1,"after":0,"every":200,"moved":{"vm1":[1]}}',
    ]) {
      rude.publish('qmp1.hb.h1', beat);
    }
    await rude.flush();
    qemu.emit('RESUME');
    expect((await events).map(({ event }) => event)).toEqual(['RESUME']);
    expect(client.stats.reconnects).toBe(0);
  });
});
