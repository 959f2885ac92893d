// Bytes of live heap after a collection, buffers included.
import { filter, Subject } from 'rxjs';
import { EventBus, QmpClient } from '../../dist/index.js';
import { unixSocket } from '../../dist/node.js';

const COUNT = 10_000;

async function liveHeap() {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** @param {(source: Subject<object>) => (name: string) => unknown} prepare makes one, which must stay alive */
function perListener(prepare) {
  return async () => {
    const source = new Subject();
    const make = prepare(source);
    make('FIRST');
    const names = Array.from({ length: COUNT }, (_, index) => `NAME_${index}`);
    const kept = new Array(COUNT);
    const before = await liveHeap();
    for (let index = 0; index < COUNT; index += 1) kept[index] = make(names[index]);
    const after = await liveHeap();
    if (kept.length === 0 && !source.observed) throw new Error('nothing was kept');
    return (after - before) / COUNT;
  };
}

export const listener = perListener((source) => {
  const bus = new EventBus(source);
  return (name) => bus.listener(name);
});

export const observe = perListener((source) => {
  const bus = new EventBus(source);
  return (name) => bus.observe(name).subscribe(() => undefined);
});

export const filters = perListener(
  (source) => (name) => source.pipe(filter((event) => event.event === name)).subscribe(() => undefined),
);

/** A connected client that hears nothing. */
export async function idleClient({ path, clients }) {
  const open = async () => {
    const client = new QmpClient(unixSocket(path));
    await client.connect();
    return client;
  };
  await (await open()).close();
  const before = await liveHeap();
  const kept = [];
  for (let index = 0; index < clients; index += 1) kept.push(await open());
  const after = await liveHeap();
  for (const client of kept) await client.close();
  return (after - before) / clients;
}

/** What stays of so many events that nobody reads. */
export async function unread({ path, warm, events, listen }) {
  await receive(warm, 20_000, false);
  const before = await liveHeap();
  const client = await receive(path, events, listen);
  const after = await liveHeap();
  if (client.stats.events !== events) throw new Error('events are missing');
  return after - before;
}

async function receive(path, events, listen) {
  const client = new QmpClient(unixSocket(path));
  if (listen) client.listener();
  await client.connect();
  while (client.stats.events < events) await new Promise((resolve) => setTimeout(resolve, 20));
  return client;
}
