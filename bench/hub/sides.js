// The server that is measured; the monitor, the readers and those who flood have processes of their own.
import { join } from 'node:path';
import { createHub } from '../../dist/node.js';
import { withHelpers } from '../helper.js';
import { stopwatch } from '../stopwatch.js';
import { startRelay } from './relay.js';

const OPERATOR = 'operator-0123456789';
const VIEWERS = Array.from({ length: 10 }, (_, index) => `viewer-${index}-0123456789`);
const BYSTANDER = { token: OPERATOR };
/** Events in one go. */
const BURST = 5_000;

/** @param {'monitor' | 'readers' | 'flood' | 'bystander'} name */
const file = (name) => new URL(`./${name}.js`, import.meta.url);

/** @param {import('../../dist/node.js').HubOptions} options */
async function startHub(options) {
  const hub = await createHub({
    port: 0,
    tokens: [
      { role: 'operator', token: OPERATOR },
      ...VIEWERS.map((token) => ({ role: /** @type {const} */ ('viewer'), token })),
    ],
    limits: { clients: 1_100 },
    ...options,
  });
  while (!hub.vms.some(({ state }) => state === 'ready')) await new Promise((resolve) => setTimeout(resolve, 10));
  return hub;
}

/** Those whom the hub has cut off, and why. @param {string} url */
async function cutOffs(url) {
  const response = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${OPERATOR}` } });
  const text = await response.text();
  return [...text.matchAll(/^rxqmp_hub_cut_off_total\{cause="([a-z-]+)"\} (\d+)/gm)].reduce(
    (sum, [, , count]) => sum + Number(count),
    0,
  );
}

/** Processor time of the server and time on the clock, in milliseconds, until every watcher has every event. */
export function burst({ side, watchers, bursts }) {
  return withHelpers(async (folder, helper) => {
    const monitor = await helper(file('monitor'), { folder });
    await monitor.ask({ appear: 1 });
    const path = join(folder, 'vm1.qmp');
    const { url } = side === 'relay' ? await startRelay(path) : await startHub({ vms: { vm1: `unix:${path}` } });
    const readers = await helper(file('readers'), {
      ...{ url: `${url}/vms/vm1`, tokens: VIEWERS, count: watchers, negotiate: side !== 'relay' },
    });
    const run = async (times) => {
      for (let turn = 0; turn < times; turn += 1) {
        const { sent } = await monitor.ask({ events: BURST });
        const { cutOff } = await readers.ask({ until: sent });
        if (cutOff > 0) throw new Error(`${cutOff} watchers were cut off`);
      }
    };
    await run(Math.ceil(bursts / 3));
    const stop = stopwatch();
    await run(bursts);
    return stop();
  });
}

/** The longest wait of a bystander, in milliseconds, while others flood or events come. */
export function flood({ kind, viewers, seconds, rate, events }) {
  return withHelpers(async (folder, helper) => {
    const monitor = await helper(file('monitor'), { folder });
    await monitor.ask({ appear: 1 });
    const hub = await startHub({ vms: { vm1: `unix:${join(folder, 'vm1.qmp')}` } });
    const url = `${hub.url}/vms/vm1`;
    const readers = kind === 'events' && (await helper(file('readers'), { url, tokens: VIEWERS, count: viewers }));
    const bystander = await helper(file('bystander'), { url, ...BYSTANDER });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await bystander.ask({ reset: true });
    if (readers) {
      const { sent } = await monitor.ask(rate ? { rate, seconds } : { events });
      await readers.ask({ until: sent });
    } else {
      await helper(file('flood'), { url, token: VIEWERS[0], count: viewers, kind });
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    }
    const { longest, ended } = await bystander.ask({});
    if (ended) throw new Error('the bystander was cut off');
    return { longest, cutOff: readers ? (await readers.ask({})).cutOff : 0 };
  });
}

/** The most resident memory, in bytes, while so many readers that have stopped reading are sent events, or what they asked for. */
export function stopped({ count, kind, seconds }) {
  return withHelpers(async (folder, helper) => {
    const monitor = await helper(file('monitor'), { folder });
    await monitor.ask({ appear: 1 });
    const hub = await startHub({ vms: { vm1: `unix:${join(folder, 'vm1.qmp')}` } });
    const url = `${hub.url}/vms/vm1`;
    const readers = await helper(file('readers'), { url, tokens: VIEWERS, count });
    const bystander = await helper(file('bystander'), { url, ...BYSTANDER });
    await readers.ask({ stop: true });
    if (kind === 'replies') await readers.ask({ ask: 200 });
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end) {
      await monitor.ask(kind === 'replies' ? { rate: 10, seconds: 1 } : { rate: 20_000, seconds: 1 });
    }
    const { longest, ended } = await bystander.ask({});
    if (ended) throw new Error('the bystander was cut off');
    return { memory: process.resourceUsage().maxRSS * 1024, cutOff: await cutOffs(hub.url), longest };
  });
}

/** The longest wait of a bystander, in milliseconds, while so many VMs appear in a folder and vanish again. */
export function vms({ count, watchers }) {
  return withHelpers(async (folder, helper) => {
    const monitor = await helper(file('monitor'), { folder });
    await monitor.ask({ appear: 1 });
    const hub = await startHub({ dir: folder });
    const readers = await helper(file('readers'), {
      url: `${hub.url}/events`,
      tokens: VIEWERS,
      count: watchers,
      negotiate: false,
    });
    const bystander = await helper(file('bystander'), { url: `${hub.url}/vms/vm1`, ...BYSTANDER });
    const ready = async (wanted) => {
      while (hub.vms.filter(({ state }) => state === 'ready').length !== wanted) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await monitor.ask({ appear: count });
    await ready(count);
    await monitor.ask({ vanish: true });
    await ready(1);
    const { longest, ended } = await bystander.ask({});
    if (ended) throw new Error('the bystander was cut off');
    return { longest, cutOff: (await readers.ask({})).cutOff };
  });
}
