// The clients on the wire, each to be run in its own process: milliseconds from before the connection to the last event, on the
// clock and of processor time. The first connection warms up.
import { connect as connectSocket } from 'node:net';
import { unixSocket } from '../../dist/node.js';
import { QmpClient } from '../../dist/index.js';
import { stopwatch } from '../stopwatch.js';
import { NAME, named } from './events.js';

/** @typedef {{ warm: string, full: string, warmEvents: number, events: number }} Input */

/** @param {(path: string, expected: { named: number, events: number }, finish: () => void) => (() => unknown)} receive */
function side(receive) {
  return async (/** @type {Input} */ { warm, full, warmEvents, events }) => {
    await timed(receive, warm, warmEvents);
    return timed(receive, full, events);
  };
}

async function timed(receive, path, events) {
  const expected = { events, named: named(events) };
  globalThis.gc?.();
  const stop = stopwatch();
  /** @type {() => unknown} */
  let close = () => undefined;
  await new Promise((resolve) => {
    close = receive(path, expected, resolve);
  });
  const spent = stop();
  await close();
  return spent;
}

/** What a careful person writes by hand for one purpose. */
export const plain = side((path, { named: expected }, finish) => {
  const socket = connectSocket(path);
  let rest = '';
  let count = 0;
  socket.setEncoding('utf8');
  socket.write('{"execute": "qmp_capabilities"}\n');
  socket.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      const message = JSON.parse(line);
      if (message.event === NAME && ++count === expected) finish();
    }
  });
  return () => socket.destroy();
});

/** @param {(client: QmpClient, expected: { named: number, events: number }, finish: () => void) => void} use */
function client(use) {
  return side((path, expected, finish) => {
    const client = new QmpClient(unixSocket(path));
    use(client, expected, finish);
    void client.connect();
    return () => client.close();
  });
}

export const observe = client((client, { named: expected }, finish) => {
  let count = 0;
  client.observe(NAME).subscribe(() => {
    if (++count === expected) finish();
  });
});

export const observeAll = client((client, { events: expected }, finish) => {
  let count = 0;
  client.observe().subscribe(() => {
    if (++count === expected) finish();
  });
});

export const forAwait = client(async (client, { named: expected }, finish) => {
  let count = 0;
  for await (const _ of client.listener(NAME)) if (++count === expected) break;
  finish();
});

export const forAwaitAll = client(async (client, { events: expected }, finish) => {
  let count = 0;
  for await (const _ of client.listener()) if (++count === expected) break;
  finish();
});

export const get = client(async (client, { named: expected }, finish) => {
  const listener = client.listener(NAME);
  for (let count = 0; count < expected; count += 1) await listener.get();
  finish();
});

export const getAll = client(async (client, { events: expected }, finish) => {
  const listener = client.listener();
  for (let count = 0; count < expected; count += 1) await listener.get();
  finish();
});

const { QMPClient } = await import('node-qemu');
export const nodeQemu = side((path, { named: expected }, finish) => {
  const client = new QMPClient({ socketPath: path });
  let count = 0;
  client.on(NAME, () => {
    if (++count === expected) finish();
  });
  void client.connect();
  return () => client.close();
});

const { default: QMP } = await import('qemu-qmp');
export const qemuQmp = side((path, { named: expected }, finish) => {
  const client = new QMP();
  let count = 0;
  client.on(NAME.toLowerCase(), () => {
    if (++count === expected) finish();
  });
  client.connect(path);
  return () => client.destroy();
});
