import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom, toArray } from 'rxjs';
import type { NatsConnection } from '@nats-io/nats-core';
import { jetstream } from '@nats-io/jetstream';
import { FleetClient } from 'rx-qmp/fleet';
import { FakeQemu } from 'rx-qmp/testing';
import { natsConfig } from '../../src/fleet/agent/nats-config.js';
import { agent, inboxPrefix, operator, viewer, type Permissions } from '../../src/fleet/agent/permissions.js';
import { matches } from '../../src/fleet/subjects.js';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

/** One right of the printed configuration, and a user who has all but that one. */
interface Case {
  readonly right: string;
  readonly user: string;
  readonly permissions: Permissions;
}

/** A case for each right to publish and to subscribe. */
function casesOf(role: string, permissionsOf: (user: string) => Permissions): Case[] {
  const cases: Case[] = [];
  for (const list of ['publish', 'subscribe'] as const) {
    const count = permissionsOf('')[list].length;
    for (let at = 0; at < count; at += 1) {
      const user = `${role}${cases.length}`;
      const permissions = permissionsOf(user);
      const right = permissions[list][at] ?? '';
      cases.push({
        right,
        user,
        permissions: { ...permissions, [list]: permissions[list].filter((one) => one !== right) },
      });
    }
  }
  return cases;
}

/** Each has the host that it is named after. */
const AGENTS = casesOf('agent', (user) => agent(user, user));
const MUTE: Case = {
  right: 'allow_responses',
  user: 'mute',
  permissions: { publish: agent('mute', 'mute').publish, subscribe: agent('mute', 'mute').subscribe },
};
const VIEWERS = casesOf('viewer', (user) => viewer(user));
const OPERATORS = casesOf('operator', (user) => operator(user, ['stop']));

const WHOLE: readonly Case[] = [
  { right: '', user: 'h1', permissions: agent('h1', 'h1') },
  { right: '', user: 'bob', permissions: operator('bob', ['stop']) },
  { right: '', user: 'admin', permissions: { publish: ['>'], subscribe: ['>'] } },
];

/** What a client does, each by itself. */
const DEEDS = ['list', 'live', 'query', 'log', 'stop', 'consume'] as const;
type Deed = (typeof DEEDS)[number];

/** What does not work where a right is missing: of the agent, the viewer, the operator. The rest does. */
const NEEDED: readonly (readonly [right: RegExp, ...deeds: Deed[]])[] = [
  [/^qmp1\.evt/, 'live', 'query', 'stop'],
  [/^qmp1\.hb/, 'list', 'live', 'query', 'stop'],
  [/^qmp1\.log/, 'log', 'consume'],
  [/^qmp1\.cmd\.\*\.\*\.q/, 'query'],
  [/^qmp1\.cmd\.\*\.\*\.x/, 'stop'],
  [/^qmp1\.cmd\.(agent\d+\.>|.*hello)$|^allow_responses$/, 'query', 'stop'],
  [/^\$KV\.qmp-vms|CONSUMER\.CREATE\.KV/, 'list'],
  [/STREAM\.INFO\.QMP$/, 'log'],
  [/CONSUMER\.(CREATE|MSG\.NEXT)\.QMP/, 'log', 'consume'],
  [/CONSUMER\.INFO\.QMP|^\$JS\.ACK/, 'consume'],
  [/^_INBOX/, 'list', 'query', 'log', 'stop', 'consume'],
  // Where there is much to list only: see below.
  [/^\$JS\.FC/],
];

function needing(right: string): readonly Deed[] {
  const found = NEEDED.find(([pattern]) => pattern.test(right));
  if (!found) throw new Error(`nothing here says what needs ${right}`);
  const [, ...deeds] = found;
  return deeds;
}

/** Whether it names a subject that the right is for, and what to do. */
function tells(text: string, right: string): boolean {
  const subjects = text.match(/[$_\w]+(?:\.[^\s";,]+)+/g) ?? [];
  const named = text.includes(right) || subjects.some((subject) => matches(right, subject));
  return named && text.includes('rx-qmp nats-config prints all rights');
}

function configuration(port: number, folder: string): string {
  const users = [...WHOLE, ...AGENTS, MUTE, ...VIEWERS, ...OPERATORS].map(({ user, permissions }) => ({
    ...{ name: user, secret: { password: user }, permissions },
  }));
  return natsConfig({ users, listen: `127.0.0.1:${port}`, storeDir: `${folder}/js` });
}

describeNats('where one right of the printed configuration is missing', () => {
  let server: FleetUnderTest;
  let durables = 0;
  /** What one test has started. */
  let own: FleetUnderTest;

  beforeAll(async () => {
    server = await new FleetUnderTest().start(configuration);
    const vms = { vm1: ticking(server).connector };
    await server.agent('h1', { nats: await as(server, 'h1'), vms, allow: ['stop'] });
  });

  beforeEach(() => {
    own = new FleetUnderTest();
    own.server = server.server;
  });

  afterEach(() => own.end());
  afterAll(() => server.end());

  const as = (fleet: FleetUnderTest, user: string): Promise<NatsConnection> =>
    fleet.connect({ user, pass: user, inboxPrefix: inboxPrefix(user) });

  /** Has an event now and then. */
  function ticking(fleet: FleetUnderTest): FakeQemu {
    const qemu = new FakeQemu();
    const timer = setInterval(() => qemu.emit('WAKEUP'), 20);
    fleet.later(async () => {
      clearInterval(timer);
      await Promise.resolve();
    });
    return qemu;
  }

  /** All that NATS refused of what was sent until now is told: it comes before the answer to this. */
  const refusals = (nats: NatsConnection): Promise<void> => nats.flush().then(() => setImmediate());

  /** Rejects where it does not work; a gap that tells of NATS is such an error. */
  async function attempt(deed: Deed, nats: NatsConnection, client: FleetClient, vm: string): Promise<unknown> {
    durables += 1;
    const run = async (command: 'query-status' | 'stop'): Promise<unknown> => {
      const session = client.client(vm, { reconnect: false });
      await session.connect();
      return session.execute(command);
    };
    switch (deed) {
      case 'list':
        return vmOnce(client.vms$, vm, ({ state }) => state === 'ready');
      case 'live': {
        const event = firstValueFrom(client.events$({ vm })).then((first) => refusals(nats).then(() => first));
        const refused = client.gaps$({ vm }).pipe(filter(({ cause }) => cause.includes('NATS')));
        const gap = firstValueFrom(refused, { defaultValue: undefined });
        const first = await Promise.race([event, gap]);
        if (first && 'cause' in first) throw new Error(first.cause);
        return first;
      }
      case 'query':
        return run('query-status');
      case 'stop':
        return run('stop');
      case 'log':
        return firstValueFrom(client.history({ vm: 'h1/vm1' }).pipe(toArray()));
      case 'consume':
        return new Promise((resolve, reject) => {
          client.consume(`worker${durables}`, { vm: 'h1/vm1' }).subscribe({
            next: (delivery) => {
              delivery.ack();
              void refusals(nats).then(resolve);
            },
            error: reject,
          });
        });
    }
  }

  it.each([
    ...VIEWERS.map((one) => ({ ...one, role: 'viewer', deeds: ['list', 'live', 'query', 'log'] as const })),
    ...OPERATORS.map((one) => ({ ...one, role: 'operator', deeds: ['stop', 'consume'] as const })),
  ])('$role: is told of $right by what needs it, and does the rest (F10)', async ({ right, user, deeds }) => {
    const nats = await as(own, user);
    const warnings: string[] = [];
    const logger = { debug: () => undefined, warn: (text: string) => warnings.push(text) };
    const client = new FleetClient(nats, { logger });
    own.later(() => client.close());
    const needed = needing(right);
    for (const deed of deeds) {
      const outcome = await attempt(deed, nats, client, 'h1/vm1').then(
        () => 'it works',
        (error: unknown) => (error as Error).message,
      );
      const told = tells(outcome, right) ? 'it is told' : outcome;
      expect([deed, told]).toEqual([deed, needed.includes(deed) ? 'it is told' : 'it works']);
    }
    if (deeds.some((deed) => needed.includes(deed))) {
      expect(warnings.filter((text) => tells(text, right))).not.toEqual([]);
    }
  });

  it.each([...AGENTS, MUTE])('an agent tells of $right, and does the rest (F10)', async ({ right, user }) => {
    // Only who is first needs to make what is missing.
    if (right.startsWith('$JS.API.STREAM.CREATE.')) await own.start(configuration);
    let warned: (text: string) => void = () => undefined;
    const warning = new Promise<void>((resolve) => {
      warned = (text) => {
        if (tells(text, right)) resolve();
      };
    });
    const logger = { debug: () => undefined, warn: warned };
    const vm = ticking(own);
    const nats = await as(own, user);
    try {
      await own.agent(user, { nats, vms: { vm1: vm.connector }, allow: ['stop'], logger });
      // An end in good order would try for ten seconds to write what it may not.
      own.later(() => nats.close());
    } catch (error) {
      expect(tells((error as Error).message, right)).toBe(true);
      return;
    }
    const needed = needing(right);
    const bob = await as(own, 'bob');
    const client = await own.client(bob);
    const works = DEEDS.filter((deed) => deed !== 'log' && deed !== 'consume' && !needed.includes(deed));
    for (const deed of works) await attempt(deed, bob, client, `${user}/vm1`);
    if (!needed.includes('log')) await firstValueFrom(client.consume(user, { host: user }));
    // Whoever asks is answered, if that may be.
    bob.publish(`qmp1.cmd.${user}.vm1.s.hello`, '', { reply: `${inboxPrefix('bob')}.x` });
    await warning;
  });

  it('a list too long to come at once is refused without $JS.FC.>, and does not stay half (F10)', async () => {
    const writer = jetstream(await as(own, 'admin'));
    const text = JSON.stringify({ state: 'gone', since: 'x'.repeat(1_000), epoch: 1 });
    for (let at = 0; at < 4_000; at += 500) {
      const puts = Array.from({ length: 500 }, (_, put) => writer.publish(`$KV.qmp-vms.h9.vm${at + put}`, text));
      await Promise.all(puts);
    }
    const { user = '', right = '' } = VIEWERS.find((one) => one.right.startsWith('$JS.FC')) ?? {};
    const list = firstValueFrom((await own.client(await as(own, user))).vms$).then(
      (vms) => `${vms.length} VMs`,
      (error: unknown) => (error as Error).message,
    );
    expect(tells(await list, right) ? 'it is told' : await list).toBe('it is told');
  });
});
