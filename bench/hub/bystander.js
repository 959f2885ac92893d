// One who does nothing wrong: asks something every few milliseconds, and notes how long the answer took.
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { input, serve } from '../helper.js';

const { url, token } = input();
const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers: { Authorization: `Bearer ${token}` } });
/** @type {(() => void) | undefined} */
let answered;
socket.on('message', (/** @type {Buffer} */ data) => {
  if (data.includes('"return"')) answered?.();
});
await once(socket, 'open');
let [longest, asked, ended] = [0, 0, false];
socket.on('close', () => (ended = true));

function ask(command) {
  socket.send(`{"execute":"${command}"}`);
  return new Promise((/** @type {(value?: unknown) => void} */ resolve) => (answered = resolve));
}

async function go() {
  for (;;) {
    const start = performance.now();
    const timer = setInterval(() => (longest = Math.max(longest, performance.now() - start)), 100);
    await ask('query-name');
    clearInterval(timer);
    longest = Math.max(longest, performance.now() - start);
    asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

await ask('qmp_capabilities');
void go();
serve(({ reset }) => {
  if (reset) [longest, asked] = [0, 0];
  return { longest, asked, ended };
});
