import { firstValueFrom, take, toArray } from 'rxjs';
import { FakeQemu } from 'rx-qmp/testing';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

describeNats('a VM over NATS', () => {
  let fleet: FleetUnderTest;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
  });

  afterEach(() => fleet.end());

  it('greets, answers and tells events as its QEMU does (F3)', async () => {
    const qemu = new FakeQemu();
    await fleet.agent('h1', { vms: { vm1: qemu.connector }, allow: ['stop', 'cont'] });
    const client = (await fleet.client()).client('h1/vm1');
    const greeting = await client.connect();
    expect(greeting.QMP.version.qemu.major).toBe(7);
    const events = firstValueFrom(client.events$.pipe(take(2), toArray()));
    await client.execute('stop');
    await client.execute('cont');
    expect((await events).map(({ event }) => event)).toEqual(['STOP', 'RESUME']);
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
    await expect(client.execute('quit')).rejects.toThrow('not allowed by the agent of h1; its --allow quit allows it');
  });

  it('is in the list while its agent lives (F5)', async () => {
    const qemu = new FakeQemu();
    qemu.on('query-uuid', { UUID: 'f0e1d2c3-0000-4000-8000-000000000001' });
    const agent = await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const { vms$ } = await fleet.client();
    const vm = await vmOnce(vms$, 'h1/vm1', ({ state }) => state === 'ready');
    expect(vm).toMatchObject({ name: 'h1/vm1', host: 'h1', state: 'ready', qemu: '7.2.22' });
    await vmOnce(vms$, 'h1/vm1', ({ uuid }) => uuid === 'f0e1d2c3-0000-4000-8000-000000000001');
    await vmOnce(vms$, 'h1/vm1', ({ status }) => status === 'running');
    qemu.kill();
    await vmOnce(vms$, 'h1/vm1', ({ state }) => state === 'gone');
    await agent.close();
    const unknown = await vmOnce(vms$, 'h1/vm1', ({ state }) => state === 'unknown');
    expect(unknown.reason).toBe('agent stopped');
  });

  it('is not taken from an agent of another protocol; what a newer one adds is no harm (F13)', async () => {
    const nats = await fleet.connect();
    const reader = await fleet.client();
    const greeting = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' }, capabilities: [] } };
    const hello = { protocol: 1, greeting, epoch: 5, session: 1, n: 0, k: {}, beat: 0, every: 5000, news: true };
    let answer: object = { ...hello, protocol: 2 };
    nats.subscribe('qmp1.cmd.h1.vm1.s.hello', {
      callback: (_error, message) => message.respond(JSON.stringify(answer)) as never,
    });
    await nats.flush();
    const client = reader.client('h1/vm1', { reconnect: false });
    await expect(client.connect()).rejects.toThrow('no agent of this protocol: are both of the same release?');
    answer = hello;
    await expect(client.connect()).resolves.toEqual(greeting);
  });
});
