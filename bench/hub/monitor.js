// QMP servers that answer whatever is asked, and send events when they are told to.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { lines, POOL } from '../wire/events.js';
import { input, serve } from '../helper.js';

const GREETING = `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}\r\n`;
/** The answer to `query-large`. */
const LARGE = `[${Array.from({ length: 2_000 }, (_, index) => `{"node-name": "node${index}", "iops_rd": 0, "detect_zeroes": "off", "ro": false}`).join(', ')}]`;

const pool = lines().map((line) => Buffer.from(line));
const { folder } = input();
/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
let sent = 0;
let at = 0;

function answer(socket) {
  let rest = '';
  socket.setEncoding('latin1');
  socket.write(GREETING);
  socket.on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    let answers = '';
    for (const part of parts) {
      const result = part.includes('"query-large"') ? LARGE : part.includes('"query-jobs"') ? '[]' : '{}';
      answers += `{"return": ${result}, ${/"id": ?\d+/.exec(part)?.[0]}}\r\n`;
    }
    socket.write(answers);
  });
}

const listen = async (path) => {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    answer(socket);
  });
  server.listen(path);
  await once(server, 'listening');
  return server;
};
/** @type {import('node:net').Server[]} */
let servers = [];

/** Sends so many events to everybody. @param {number} events */
function send(events) {
  const chunk = Buffer.concat(Array.from({ length: events }, () => pool[at++ % POOL]));
  sent += chunk.length;
  for (const socket of sockets) socket.write(chunk);
}

/** So many a second, a few each millisecond or so. @param {number} rate @param {number} seconds */
function stream(rate, seconds) {
  const total = rate * seconds;
  const start = performance.now();
  let done = 0;
  return new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1_000) * rate));
      if (due > done) send(due - done);
      done = due;
      if (done < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
}

serve(async ({ events, rate, seconds, vanish, appear }) => {
  if (appear) {
    while (servers.length < appear) servers.push(await listen(join(folder, `vm${servers.length + 1}.qmp`)));
  } else if (vanish) {
    for (const server of servers.slice(1)) server.close();
    const [kept] = sockets;
    for (const socket of sockets) if (socket !== kept) socket.destroy();
    servers = servers.slice(0, 1);
  } else if (rate) await stream(rate, seconds);
  else send(events);
  return { sent };
});
