// Milliseconds from a command to its reply of so many MiB in one line.
import { connect as connectSocket } from 'node:net';
import QMP from 'qemu-qmp';
import { QMPClient } from 'node-qemu';
import { QmpClient } from '../../dist/index.js';
import { unixSocket } from '../../dist/node.js';

const COMMAND = 'query-named-block-nodes';

/** @param {(path: string) => Promise<{ ask: () => Promise<unknown>, close: () => unknown }>} open */
function side(open) {
  return async ({ path, warm }) => {
    await timed(open, warm);
    return timed(open, path);
  };
}

async function timed(open, path) {
  const { ask, close } = await open(path);
  globalThis.gc?.();
  const start = performance.now();
  const nodes = await ask();
  const spent = performance.now() - start;
  if (!Array.isArray(nodes)) throw new Error('no reply');
  await close();
  return spent;
}

/** Gathers chunks until a line ends, then decodes and parses them at once. */
export const plain = side(async (path) => {
  const socket = connectSocket(path);
  let chunks = [];
  let answer;
  socket.on('data', (chunk) => {
    const end = chunk.indexOf(10);
    if (end < 0) {
      chunks.push(chunk);
      return;
    }
    chunks.push(chunk.subarray(0, end));
    const message = JSON.parse(Buffer.concat(chunks).toString());
    chunks = [chunk.subarray(end + 1)];
    answer(message.return);
  });
  const ask = (command) =>
    new Promise((resolve) => {
      answer = resolve;
      socket.write(`{"execute": "${command}", "id": 1}\n`);
    });
  await new Promise((resolve) => (answer = resolve));
  await ask('qmp_capabilities');
  return { ask: () => ask(COMMAND), close: () => socket.destroy() };
});

export const execute = side(async (path) => {
  const client = new QmpClient(unixSocket(path));
  await client.connect();
  return { ask: () => client.execute(COMMAND), close: () => client.close() };
});

export const nodeQemu = side(async (path) => {
  const client = new QMPClient({ socketPath: path });
  await client.connect();
  return { ask: () => client.execute(COMMAND), close: () => client.close() };
});

export const qemuQmp = side(async (path) => {
  const client = new QMP();
  await new Promise((resolve) => client.connect(path, resolve));
  const ask = () => new Promise((resolve) => client.execute(COMMAND, (_, result) => resolve(result)));
  return { ask, close: () => client.destroy() };
});
