import { firstValueFrom, toArray } from 'rxjs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { FakeQemu } from 'rx-qmp/testing';
import { thisHolder } from '../../src/fleet/agent/holder.js';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

describeNats('a host', () => {
  let fleet: FleetUnderTest;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
  });

  afterEach(() => fleet.end());

  const epochOf = async (): Promise<number> =>
    (await (await fleet.connect()).request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ epoch: number }>().epoch;
  const agentsBucket = async () => new Kvm(jetstream(await fleet.connect())).open('qmp-agents');

  it('has one agent: the second is told who has it (F6)', async () => {
    await fleet.agent('h1');
    await expect(fleet.agent('h1')).rejects.toThrow(
      new RegExp(
        `^h1 is served by another agent: process ${process.pid} on ".*", since .*; if it has died, its claim ends within 1.5 s$`,
      ),
    );
    await fleet.agent('h2');
  });

  it('is free at once when its agent has ended in good order, and its epoch grows (F6)', async () => {
    const options = { vms: { vm1: new FakeQemu().connector } };
    const first = await fleet.agent('h1', options);
    const before = await epochOf();
    await first.close();
    await fleet.agent('h1', options);
    expect(await epochOf()).toBeGreaterThan(before);
  });

  it('is taken over at once from a process of this machine that is gone, from no other (F6)', async () => {
    await (await fleet.agent('h2')).close(); // makes the buckets
    const bucket = await agentsBucket();
    await bucket.put('h1', JSON.stringify({ ...thisHolder('x'), pid: 2 ** 22 - 3, started: '17' }));
    await fleet.agent('h1');
    const elsewhere = { ...thisHolder('x'), machine: 'another', pid: 2 ** 22 - 3, started: '17' };
    await bucket.put('h3', JSON.stringify(elsewhere));
    await expect(fleet.agent('h3')).rejects.toThrow('h3 is served by another agent');
    await bucket.put('h4', 'nonsense');
    await expect(fleet.agent('h4')).rejects.toThrow('h4 is served by another agent: somebody else');
  });

  it('whose claim was taken while its agent was away is left to the other (F6)', async () => {
    const qemu = new FakeQemu();
    const agent = await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    const bucket = await agentsBucket();
    await bucket.put('h1', JSON.stringify({ ...thisHolder('other'), machine: 'another' }));
    expect((await agent.ended)?.message).toBe('h1: another agent has taken it over; this one has ended');
    expect(agent.vms).toEqual([]);
  });

  it('is claimed again, with a new epoch, where the claim ran out and nobody took it (F6)', async () => {
    const qemu = new FakeQemu();
    let sessions = 0;
    const connector: typeof qemu.connector = (signal) => {
      sessions += 1;
      return qemu.connector(signal);
    };
    await fleet.agent('h1', { vms: { vm1: connector } });
    const reader = await fleet.client();
    const client = reader.client('h1/vm1', { reconnect: { delay: () => 50 } });
    await client.connect();
    const before = await epochOf();
    const gap = firstValueFrom(client.gaps$);
    await (await agentsBucket()).purge('h1');
    await gap;
    expect(await epochOf()).toBeGreaterThan(before);
    expect(sessions).toBe(1);
  });

  it('is shown again where the bucket of VMs was deleted (F5)', async () => {
    const qemu = new FakeQemu();
    await fleet.agent('h1', { vms: { vm1: qemu.connector, vm2: new FakeQemu().connector } });
    const reader = await fleet.client();
    await vmOnce(reader.vms$, 'h1/vm2', ({ state }) => state === 'ready');
    const jsm = await jetstreamManager(await fleet.connect());
    await jsm.streams.delete('KV_qmp-vms');
    qemu.kill();
    const later = await fleet.client();
    await vmOnce(later.vms$, 'h1/vm2', ({ state }) => state === 'ready');
    await vmOnce(later.vms$, 'h1/vm1', ({ state }) => state === 'gone');
  });

  it('is forgotten when that is asked for (F5)', async () => {
    const agent = await fleet.agent('h1', { vms: { vm1: new FakeQemu().connector } });
    const reader = await fleet.client();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
    await agent.close();
    await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'unknown');
    await reader.forget('h1');
    expect(await firstValueFrom((await fleet.client()).vms$)).toEqual([]);
  });

  it('refuses what is not a fleet of ours: a bucket of another beat, a foreign stream (F6)', async () => {
    await (await fleet.agent('h1')).close();
    await expect(fleet.agent('h1', { beat: 300 })).rejects.toThrow(
      'the stream KV_qmp-agents is there and holds a claim for 1500 ms, not 3 beats of 300 ms',
    );
    const jsm = await jetstreamManager(await fleet.connect());
    await jsm.streams.delete('QMP');
    await jsm.streams.add({ name: 'QMP', subjects: ['something.else'] });
    await expect(fleet.agent('h1')).rejects.toThrow('the stream QMP is there and does not store qmp1.log.>');
    await jsm.streams.delete('QMP');
    await jsm.streams.add({ name: 'QMP', subjects: ['qmp1.log.>'] });
    await expect(fleet.agent('h1')).rejects.toThrow('the stream QMP is there and lacks allow_direct');
    await jsm.streams.delete('QMP');
    await jsm.streams.delete('KV_qmp-vms');
    await jsm.streams.add({ name: 'KV_qmp-vms', subjects: ['$KV.qmp-vms.>'], max_age: 1_000_000_000 });
    await expect(fleet.agent('h1')).rejects.toThrow('the stream KV_qmp-vms is there and forgets its entries');
  });

  it('has no history of an agent that never was', async () => {
    await fleet.agent('h1');
    expect(await firstValueFrom((await fleet.client()).history().pipe(toArray()))).toEqual([]);
  });

  it('is not served over a server that is too old, or has no JetStream', async () => {
    const nats = await fleet.connect();
    const withInfo = (info: object) =>
      new Proxy(nats, {
        get: (target, name) => {
          const value: unknown = name === 'info' ? { ...target.info, ...info } : Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    await expect(fleet.agent('h1', { nats: withInfo({ version: '2.9.9' }) })).rejects.toThrow(
      /^the fleet needs a nats-server of 2.9.10 or later; .* is 2.9.9$/,
    );
    await expect(fleet.agent('h1', { nats: withInfo({ jetstream: false }) })).rejects.toThrow('has no JetStream');
    await fleet.agent('h1', { nats: withInfo({ version: '2.10.0-beta' }) });
  });
});
