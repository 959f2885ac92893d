import { filter, firstValueFrom, toArray } from 'rxjs';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Agent } from 'rx-qmp/agent';
import type { FleetClient, Where } from 'rx-qmp/fleet';
import { FakeQemu } from 'rx-qmp/testing';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, stored } from './fleet-under-test.js';

const FOREIGN = 'its numbers go back: somebody else writes in the name of its agent';
const DROPPED = 'events were lost before they were stored';
const BEGUN = 'a new session to QEMU has begun';
const LATE = 'an older session goes on, and what it had before is not known';

describeNats('what somebody else writes into the log', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;
  let agent: Agent;
  let reader: FleetClient;
  let nats: NatsConnection;
  let warnings: string[];
  let at: { epoch: number; session: number };

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
    qemu = new FakeQemu();
    warnings = [];
    agent = await start();
    reader = await fleet.client();
    nats = await fleet.connect();
    await reader.client('h1/vm1').connect();
    at = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json();
    qemu.emit('STOP');
    await stored(agent, 2); // with the marker of the session's begin
  });

  afterEach(() => fleet.end());

  function start(): Promise<Agent> {
    const logger = { debug: () => undefined, warn: (text: string) => warnings.push(text) };
    return fleet.agent('h1', { vms: { vm1: qemu.connector }, logger });
  }

  async function forge(numbers: string, name = 'POWERDOWN', text = event(name)): Promise<void> {
    const header = headers();
    header.set('Nats-Msg-Id', `h1/vm1:${numbers}`);
    await jetstream(nats).publish(`qmp1.log.h1.vm1.${name}`, text, { headers: header });
  }

  const event = (name: string): string => `{"event":"${name}","timestamp":{"seconds":1,"microseconds":0}}`;

  /** Names of events, those that are late with a `late` before them, and the causes of gaps. */
  async function read(where: Where = {}): Promise<string[]> {
    const items = await firstValueFrom(reader.history(where).pipe(toArray()));
    return items.map((one) => ('event' in one ? `${one.late ? 'late ' : ''}${one.event.event}` : one.cause));
  }

  it('with a number far ahead hides nothing that follows, and is told (F2, F9)', async () => {
    await forge(`${at.epoch}.${at.session}.900000.1`);
    for (const name of ['RESUME', 'WAKEUP'] as const) qemu.emit(name);
    await stored(agent, 4);
    expect(await read()).toEqual(['STOP', DROPPED, 'POWERDOWN', FOREIGN, 'RESUME', 'WAKEUP']);
    await forge(`${at.epoch}.${at.session}.900001.2`);
    qemu.emit('STOP');
    await stored(agent, 5);
    expect((await read()).slice(6)).toEqual([DROPPED, 'POWERDOWN', FOREIGN, 'STOP']);
  });

  it('with a number far ahead among those of its name hides none of that name (F2, F9)', async () => {
    await forge(`${at.epoch}.${at.session}.900000.500`, 'STOP');
    for (const name of ['RESUME', 'STOP', 'STOP'] as const) qemu.emit(name);
    await stored(agent, 5);
    const where = { names: ['STOP', 'RESUME'] };
    expect(await read(where)).toEqual(['STOP', DROPPED, 'STOP', 'RESUME', FOREIGN, 'STOP', 'STOP']);
  });

  it('as of a later session or agent makes the true events late, and hides none, also of their next sessions (F2, F9)', async () => {
    await forge(`${at.epoch + 1e9}.1.1.1`);
    qemu.emit('WAKEUP');
    await stored(agent, 3);
    qemu.restart();
    await firstValueFrom(reader.vms$.pipe(filter(([vm]) => vm?.state === 'ready')));
    await stored(agent, 5); // the markers of an end and a begin
    qemu.emit('RESUME');
    await stored(agent, 6);
    const told = await read();
    expect(told).toEqual(['STOP', BEGUN, 'POWERDOWN', 'late WAKEUP', LATE, 'late RESUME']);
  });

  it('with a number that comes first is told by the agent, whose event the server takes for the same (F2, F8)', async () => {
    await forge(`${at.epoch}.${at.session}.3.1`);
    for (const name of ['WAKEUP', 'RESUME'] as const) qemu.emit(name);
    await stored(agent, 3);
    expect(await read()).toEqual(['STOP', 'POWERDOWN', 'RESUME']);
    expect(agent.metrics()).toContain('rxqmp_agent_log_dropped_total 1\n');
    const stranger = `is missing in the log: somebody else has stored one as h1/vm1:${at.epoch}.${at.session}.3.1`;
    expect(warnings).toEqual([expect.stringContaining(stranger)]);
  });

  it('again is read once where nothing is in between, as an agent may write it after a cut of two minutes (F9)', async () => {
    const jsm = await jetstreamManager(nats);
    await jsm.streams.update('QMP', { duplicate_window: 100_000_000 });
    const last = await jsm.streams.getMessage('QMP', { last_by_subj: 'qmp1.log.h1.vm1.STOP' });
    const id = last?.header.get('Nats-Msg-Id').split(':')[1] ?? '';
    const messages = async () => (await jsm.streams.info('QMP')).state.messages;
    const forgeAgain = async (text: string): Promise<void> => {
      const before = await messages();
      while ((await messages()) === before) await forge(id, 'STOP', text);
    };
    await forgeAgain(last?.string() ?? '');
    expect(await read()).toEqual(['STOP']);
    await forgeAgain(event('STOP').replace('1', '2'));
    expect(await read()).toEqual(['STOP', FOREIGN, 'STOP']);
  });

  it('with an epoch that no clock has reached does not make the next agent unheard (F2, F6)', async () => {
    await agent.close();
    await forge('999999999999999.1.1.1');
    await jetstream(nats).publish('$KV.qmp-vms.h1', JSON.stringify({ epoch: Number.MAX_SAFE_INTEGER }));
    agent = await start();
    const live = firstValueFrom(reader.events$().pipe(filter(({ event: { event: name } }) => name === 'WAKEUP')));
    const client = reader.client('h1/vm1');
    await client.connect();
    qemu.emit('WAKEUP');
    await live;
    await stored(agent, 2);
    expect(await read({ names: ['WAKEUP'] })).toEqual(['WAKEUP']);
    const { epoch } = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ epoch: number }>();
    expect(epoch).toBeLessThan(Date.now() + 60_000);
  });
});
