// So many clients in one process, which share out the events: milliseconds until all have all, on the clock and of processor time.
import { connect as connectSocket } from 'node:net';
import { QmpClient } from '../../dist/index.js';
import { unixSocket } from '../../dist/node.js';
import { stopwatch } from '../stopwatch.js';
import { NAME, named } from '../wire/events.js';

/** @param {(path: string, heard: () => void) => (() => unknown)} open */
function side(open) {
  return async ({ path, clients, eventsEach }) => {
    const expected = named(eventsEach) * clients;
    for (let warmUp = 0; warmUp < 2; warmUp += 1) {
      await timed(open, path, Math.min(clients, 10), (expected / clients) * Math.min(clients, 10));
    }
    return timed(open, path, clients, expected);
  };
}

async function timed(open, path, clients, expected) {
  globalThis.gc?.();
  const stop = stopwatch();
  /** @type {(() => unknown)[]} */
  let closings = [];
  await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    let count = 0;
    closings = Array.from({ length: clients }, () =>
      open(path, () => {
        if (++count === expected) resolve();
      }),
    );
  });
  const spent = stop();
  for (const close of closings) await close();
  return spent;
}

/** @param {() => ((message: object) => void)} keep what is done with each event besides */
function plainLoop(keep) {
  return side((path, heard) => {
    const socket = connectSocket(path);
    const take = keep();
    let rest = '';
    socket.setEncoding('utf8');
    socket.write('{"execute": "qmp_capabilities"}\n');
    socket.on('data', (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        const message = JSON.parse(line);
        take(message);
        if (message.event === NAME) heard();
      }
    });
    return () => socket.destroy();
  });
}

export const plain = plainLoop(() => () => undefined);

/** Keeps the latest 1,000 events, as a client's history does. */
export const keeping = plainLoop(() => {
  /** @type {object[]} */
  const latest = [];
  let at = 0;
  return (message) => {
    latest[at] = message;
    at = (at + 1) % 1_000;
  };
});

export const rx = side((path, heard) => {
  const client = new QmpClient(unixSocket(path));
  client.observe(NAME).subscribe(heard);
  void client.connect();
  return () => client.close();
});
