import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import { FakeQemu } from 'rx-qmp/testing';
import type { Agent } from 'rx-qmp/agent';
import type { FleetClient } from 'rx-qmp/fleet';
import { describeNats } from '../support/nats.js';
import { Cable } from './cable.js';
import { commandsOf, FleetUnderTest, vmOnce } from './fleet-under-test.js';

describeNats('a host that is cut off without a word', () => {
  let fleet: FleetUnderTest;
  let cable: Cable;
  let qemu: FakeQemu;
  let agent: Agent;
  let reader: FleetClient;
  let told: string[];

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
    cable = await Cable.to(fleet.server.port);
    fleet.later(() => cable.close());
    qemu = new FakeQemu();
    told = [];
    const logger = {
      debug: () => undefined,
      info: (text: string) => told.push(text),
      warn: (text: string) => told.push(text),
    };
    const nats = await fleet.connect({ servers: cable.url });
    agent = await fleet.agent('h1', { nats, vms: { vm1: qemu.connector }, allow: ['stop'], logger });
    reader = await fleet.client();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
  });

  afterEach(async () => {
    cable.mend();
    await fleet.end();
  });

  const silent = async (): Promise<void> => {
    while (!agent.metrics().includes('rxqmp_agent_speaking 0')) await setImmediate();
  };

  it('never runs a command whose caller was told that it is lost (F7)', async () => {
    const client = reader.client('h1/vm1', { reconnect: false });
    await client.connect();
    cable.cut();
    await expect(client.execute('stop')).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    cable.mend();
    const again = reader.client('h1/vm1', { reconnect: { delay: () => 20 } });
    await again.connect();
    await again.execute('query-status');
    expect(commandsOf(qemu)).not.toContain('stop');
  });

  it('is unknown within three beats, and silent until its claim is renewed (F5, F6)', async () => {
    const unknown = vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'unknown');
    const cutAt = performance.now();
    cable.cut();
    await unknown;
    expect(performance.now() - cutAt).toBeLessThan(3 * 500 + 1_000);
    await silent();
    expect(told.at(-1)).toMatch(
      /^h1: NATS has not answered for \d+ ms: it is silent, and what happens waits for the log$/,
    );
    qemu.emit('STOP');
    const live = firstValueFrom(reader.events$());
    cable.mend();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    while (told.at(-1) !== 'h1: it speaks again') await setImmediate();
    qemu.emit('WAKEUP');
    expect((await live).event.event).toBe('WAKEUP');
    const stored = firstValueFrom(reader.consume('all').pipe(filter(({ event }) => event.event === 'STOP')));
    expect((await stored).vm).toBe('h1/vm1');
  });

  it('ends when it comes back and another has taken over, and what it had heard is stored, marked late (F6, F9)', async () => {
    cable.cut();
    await silent();
    qemu.emit('STOP');
    const other = new FakeQemu();
    const second = await untilFree(() => fleet.agent('h1', { vms: { vm1: other.connector } }));
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    const client = reader.client('h1/vm1');
    await client.connect();
    other.emit('WAKEUP');
    while (!second.metrics().includes('rxqmp_agent_log_stored_total 2')) await setImmediate();
    cable.mend();
    expect((await agent.ended)?.message).toBe('h1: another agent has taken it over; this one has ended');
    const items: unknown[] = [];
    await reader.history({ names: ['STOP', 'WAKEUP'] }).forEach((one) => {
      if ('event' in one) items.push([one.event.event, one.late]);
    });
    expect(items).toEqual([
      ['WAKEUP', undefined],
      ['STOP', true],
    ]);
    expect(client.stats.reconnects).toBe(0);
  });
});

/** The claim of the other runs out. */
async function untilFree<T>(claim: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await claim();
    } catch (error) {
      if (!(error as Error).message.includes('is served by another agent')) throw error;
    }
  }
}
