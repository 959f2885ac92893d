import { firstValueFrom, toArray } from 'rxjs';
import type { NatsConnection } from '@nats-io/nats-core';
import { jetstreamManager } from '@nats-io/jetstream';
import { FleetClient } from 'rx-qmp/fleet';
import { FakeQemu } from 'rx-qmp/testing';
import { natsConfig } from '../../src/fleet/agent/nats-config.js';
import { agent, inboxPrefix, operator, viewer, type Permissions } from '../../src/fleet/agent/permissions.js';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

const RIGHTS: Readonly<Record<string, Permissions>> = {
  'agent-h1': agent('agent-h1', 'h1'),
  'agent-h2': agent('agent-h2', 'h2'),
  ann: viewer('ann'),
  bob: operator('bob', ['stop']),
  cy: viewer('cy', 'h1/vm1'),
  none: { publish: ['nothing'], subscribe: ['_INBOX_none.>'] },
};

describeNats('the rights of the printed configuration', () => {
  let fleet: FleetUnderTest;
  const as = (name: string): Promise<NatsConnection> =>
    fleet.connect({ user: name, pass: name, inboxPrefix: inboxPrefix(name) });

  beforeEach(async () => {
    const users = Object.entries(RIGHTS).map(([name, permissions]) => ({
      name,
      secret: { password: name },
      permissions,
    }));
    fleet = await new FleetUnderTest().start((port, folder) =>
      natsConfig({ users, listen: `127.0.0.1:${port}`, storeDir: `${folder}/js` }),
    );
    for (const host of ['h1', 'h2']) {
      const vms = { vm1: new FakeQemu().connector, vm2: new FakeQemu().connector };
      await fleet.agent(host, { nats: await as(`agent-${host}`), vms, allow: ['stop', 'cont'] });
    }
  });

  afterEach(() => fleet.end());

  it('let a viewer look, and do nothing else (F10)', async () => {
    const nats = await as('ann');
    const ann = await fleet.client(nats);
    await vmOnce(ann.vms$, 'h2/vm2', ({ state }) => state === 'ready');
    const client = ann.client('h1/vm1');
    await client.connect();
    await expect(client.execute('query-status')).resolves.toMatchObject({ status: 'running' });
    await expect(client.execute('stop')).rejects.toThrow(
      'NATS does not let this user publish to qmp1.cmd.h1.vm1.x.stop',
    );
    expect(await firstValueFrom(ann.history().pipe(toArray()))).toEqual([]);
    await expect(ann.forget('h1')).rejects.toThrow('rx-qmp nats-config prints all rights');
    const jsm = await jetstreamManager(nats, { checkAPI: false, timeout: 1_000 });
    await expect(jsm.streams.delete('QMP')).rejects.toThrow('Permissions Violation');
    await expect(jsm.consumers.delete('QMP', 'worker')).rejects.toThrow('Permissions Violation');
  });

  it('are warned of once where somebody meets the same again and again (F10)', async () => {
    const warnings: string[] = [];
    const logger = { debug: () => undefined, warn: (text: string) => warnings.push(text) };
    const ann = new FleetClient(await as('ann'), { logger });
    fleet.later(() => ann.close());
    const client = ann.client('h1/vm1');
    await client.connect();
    for (let time = 0; time < 100; time += 1) await expect(client.execute('stop')).rejects.toThrow('does not let');
    expect(warnings).toEqual([expect.stringContaining('qmp1.cmd.h1.vm1.x.stop')]);
  });

  it('let an operator run what is allowed, and consume the log (F10)', async () => {
    const bob = await fleet.client(await as('bob'));
    const client = bob.client('h1/vm1');
    await client.connect();
    await client.execute('stop');
    await expect(client.execute('cont')).rejects.toThrow(
      'NATS does not let this user publish to qmp1.cmd.h1.vm1.x.cont',
    );
    const delivery = await firstValueFrom(bob.consume('worker'));
    expect(delivery).toMatchObject({ vm: 'h1/vm1', event: { event: 'STOP' } });
    delivery.ack();
  });

  it('show one VM to who may see that one, and no other (F10)', async () => {
    const cy = await fleet.client(await as('cy'));
    const [vm, ...others] = await firstValueFrom(cy.vmsOf({ vm: 'h1/vm1' }));
    expect([vm?.name, vm?.state, others]).toEqual(['h1/vm1', 'ready', []]);
    const client = cy.client('h1/vm1');
    await client.connect();
    expect(await firstValueFrom(cy.history({ vm: 'h1/vm1' }).pipe(toArray()))).toEqual([]);
    await expect(firstValueFrom(cy.history({ vm: 'h1/vm2' }).pipe(toArray()))).rejects.toThrow('Permissions Violation');
    await expect(cy.client('h1/vm2', { reconnect: false }).connect()).rejects.toThrow('NATS does not let this user');
  });

  it('keep an agent to its own host (F10)', async () => {
    await expect(fleet.agent('h3', { nats: await as('agent-h1') })).rejects.toThrow(
      'rx-qmp nats-config prints all rights',
    );
    await expect(fleet.agent('h1', { nats: await as('none') })).rejects.toThrow(
      'NATS does not let this user have QMP: Permissions Violation for Publish to "$JS.API.STREAM.INFO.QMP"',
    );
  });

  it('do not let what a viewer makes the server deliver reach anybody (F10)', async () => {
    const nats = await as('ann');
    const bob = await fleet.client(await as('bob'));
    const client = bob.client('h1/vm1');
    await client.connect();
    await client.execute('stop');
    const jsm = await jetstreamManager(nats, { checkAPI: false, timeout: 2_000 });
    const seen: string[] = [];
    client.events$.subscribe(({ event }) => seen.push(event));
    // A push consumer of the viewer's, into the commands of an agent and into what others subscribe to (nats-server #8274).
    for (const deliver of ['qmp1.cmd.h1.vm1.q.query-status', 'qmp1.evt.h1.vm1.STOP', 'qmp1.hb.h1']) {
      await jsm.consumers
        .add('QMP', {
          ...{ name: `x${deliver.length}`, deliver_subject: deliver, filter_subject: 'qmp1.log.*.*.>' },
          ...({ ack_policy: 'none', inactive_threshold: 5_000_000_000 } as object),
        })
        .catch(() => undefined);
    }
    await expect(client.execute('query-status')).resolves.toBeDefined();
    expect(seen).toEqual([]);
    expect(client.stats.reconnects).toBe(0);
  });
});
