// So many clients in one process, which share out the events: milliseconds until all have all.
import { connect as connectSocket } from 'node:net';
import { QmpClient } from '../../dist/index.js';
import { unixSocket } from '../../dist/node.js';
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
  const start = performance.now();
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
  const spent = performance.now() - start;
  for (const close of closings) await close();
  return spent;
}

export const plain = side((path, heard) => {
  const socket = connectSocket(path);
  let rest = '';
  socket.setEncoding('utf8');
  socket.write('{"execute": "qmp_capabilities"}\n');
  socket.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (JSON.parse(line).event === NAME) heard();
  });
  return () => socket.destroy();
});

export const rx = side((path, heard) => {
  const client = new QmpClient(unixSocket(path));
  client.observe(NAME).subscribe(heard);
  void client.connect();
  return () => client.close();
});
