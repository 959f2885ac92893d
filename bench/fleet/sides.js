// The program that reads a fleet, which is measured; server, agents and monitors have processes of their own.
import { join } from 'node:path';
import { firstValueFrom, filter } from 'rxjs';
import { connect } from '@nats-io/transport-node';
import { FleetClient } from '../../dist/fleet.js';
import { QmpClient } from '../../dist/index.js';
import { unixSocket } from '../../dist/node.js';
import { withHelpers } from '../helper.js';
import { NAME, named, POOL } from '../wire/events.js';
import { startNats } from './nats.js';

const AGENT = new URL('./agent.js', import.meta.url);
const RELAY = new URL('./relay.js', import.meta.url);
const MONITOR = new URL('../hub/monitor.js', import.meta.url);

/** @template T @param {(fleet: { nats: import('@nats-io/nats-core').NatsConnection, url: string, folder: string, helper: (module: URL, input: object) => Promise<import('../helper.js').Helper> }) => Promise<T>} use */
function withFleet(use) {
  return withHelpers(async (folder, helper) => {
    const server = await startNats(folder);
    const nats = await connect({ servers: server.url });
    try {
      return await use({ nats, url: server.url, folder, helper });
    } finally {
      await nats.close();
      await server.end();
    }
  });
}

/** Milliseconds until all events of a burst with the wanted name are here. @param {{ side: 'relay' | 'fleet' | 'names', bursts: number }} input */
export function burst({ side, bursts }) {
  return withFleet(async ({ nats, url, folder, helper }) => {
    const monitor = await helper(MONITOR, { folder });
    await monitor.ask({ appear: 1 });
    const path = join(folder, 'vm1.qmp');
    let heard = 0;
    let failed = '';
    if (side === 'relay') {
      await helper(RELAY, { url, path });
      nats.subscribe('relay', {
        callback: (_error, message) => {
          if (JSON.parse(message.string()).event === NAME) heard += 1;
        },
      });
      await nats.flush();
    } else {
      const agent = await helper(AGENT, { url, host: 'h1', sockets: { vm1: `unix:${path}` } });
      await agent.ask({ until: 'ready' });
      const client = new FleetClient(nats).client('h1/vm1', side === 'names' ? { names: [NAME] } : {});
      client.observe(NAME).subscribe(() => (heard += 1));
      client.gaps$.subscribe(({ cause }) => (failed = cause?.message ?? 'a gap'));
      await client.connect();
    }
    const run = async (times) => {
      for (let turn = 0; turn < times; turn += 1) {
        const wanted = heard + named(POOL);
        await monitor.ask({ events: POOL });
        while (heard < wanted && failed === '') await new Promise((resolve) => setTimeout(resolve, 1));
        if (failed !== '') throw new Error(failed);
      }
    };
    await run(1);
    const begun = performance.now();
    await run(bursts);
    return performance.now() - begun;
  });
}

/** How long one command takes, half of the time, and how many a second with 8 in flight. @param {{ side: 'socket' | 'fleet', count: number }} input */
export function commands({ side, count }) {
  return withFleet(async ({ nats, url, folder, helper }) => {
    const monitor = await helper(MONITOR, { folder });
    await monitor.ask({ appear: 1 });
    const path = join(folder, 'vm1.qmp');
    const agent = await helper(AGENT, { url, host: 'h1', sockets: { vm1: `unix:${path}` } });
    await agent.ask({ until: 'ready' });
    const client = side === 'socket' ? new QmpClient(unixSocket(path)) : new FleetClient(nats).client('h1/vm1');
    await client.connect();
    /** @type {number[]} */
    const times = [];
    for (let number = 0; number < count * 1.5; number += 1) {
      const begun = performance.now();
      await client.execute('query-status');
      if (number >= count / 2) times.push(performance.now() - begun);
    }
    const begun = performance.now();
    const worker = async () => {
      for (let number = 0; number < count / 8; number += 1) await client.execute('query-status');
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    const spent = performance.now() - begun;
    await client.close();
    return { median: times.sort((a, b) => a - b)[count >> 1] ?? 0, each: spent / count };
  });
}

/** Bytes of an agent with so many idle VMs. @param {{ vms: number }} input */
export function memory({ vms }) {
  return withFleet(async ({ url, helper }) => {
    const agent = await helper(AGENT, { url, host: 'h1', fakes: vms });
    await agent.ask({ until: 'ready' });
    await agent.ask({ until: 'stored' });
    return (await agent.ask({})).memory;
  });
}

/** Milliseconds until all VMs of all hosts are listed as ready, and until one who comes then has the list. @param {{ hosts: number, vms: number }} input */
export function many({ hosts, vms }) {
  return withFleet(async ({ nats, url, helper }) => {
    const all = hosts * vms;
    const listed = (fleet) =>
      firstValueFrom(
        fleet.vms$.pipe(filter((list) => list.length === all && list.every(({ state }) => state === 'ready'))),
      );
    const begun = performance.now();
    const first = listed(new FleetClient(nats));
    await Promise.all(
      Array.from({ length: hosts }, (_, index) => helper(AGENT, { url, host: `h${index}`, fakes: vms })),
    );
    await first;
    const up = performance.now() - begun;
    const later = await connect({ servers: url });
    const asked = performance.now();
    await listed(new FleetClient(later));
    const list = performance.now() - asked;
    await later.close();
    return { up, list };
  });
}

/** Processor time of a reader in milliseconds, events it has got, and messages. @param {{ names?: string[], rate: number, seconds: number }} input */
export function reading({ names, rate, seconds }) {
  return withFleet(async ({ nats, url, helper }) => {
    const agent = await helper(AGENT, { url, host: 'h1', fakes: 10 });
    await agent.ask({ until: 'ready' });
    const fleet = new FleetClient(nats);
    let events = 0;
    fleet.events$(names ? { names } : {}).subscribe(() => (events += 1));
    await nats.flush();
    const wanted = (rate * seconds) / (names ? 10 : 1);
    const before = nats.stats().inMsgs;
    const spent = process.cpuUsage();
    await agent.ask({ rate, seconds });
    const patience = performance.now() + 10_000;
    while (events < wanted && performance.now() < patience) await new Promise((resolve) => setTimeout(resolve, 5));
    const { user, system } = process.cpuUsage(spent);
    return { processor: (user + system) / 1_000, events, messages: nats.stats().inMsgs - before };
  });
}

/** Milliseconds until the VMs of a host that was killed are unknown. @param {{ beat: number }} input */
export function killed({ beat }) {
  return withFleet(async ({ nats, url, helper }) => {
    const agent = await helper(AGENT, { url, host: 'h1', fakes: 10, beat });
    await agent.ask({ until: 'ready' });
    const { vms$ } = new FleetClient(nats);
    const held = vms$.subscribe();
    const state = (wanted) => firstValueFrom(vms$.pipe(filter((vms) => vms.some((vm) => vm.state === wanted))));
    await state('ready');
    await agent.end();
    const begun = performance.now();
    await state('unknown');
    held.unsubscribe();
    return performance.now() - begun;
  });
}
