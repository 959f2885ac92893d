// A QMP server in its own process. What a client connects to says what it gets: `events-N.sock` N events in writes of 64 KiB,
// `reply-N.sock` replies of N MiB, `idle.sock` nothing.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { POOL, lines } from './events.js';

const [folder, ...what] = process.argv.slice(2);
const CHUNK = 64 * 1024;
const GREETING = `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}\r\n`;
const all = lines();
const pool = Buffer.from(all.join(''));

for (const name of what) {
  const [kind, size] = name.split('-');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(GREETING);
    let ready = false;
    socket.on('data', (text) => {
      const id = /"id": ?(\d+|"[^"]*")/.exec(String(text))?.[0];
      if (ready && kind === 'reply') send(socket, reply(Number(size), id));
      if (ready) return;
      ready = true;
      socket.write(`{"return": {}${id ? `, ${id}` : ''}}\r\n`);
      if (kind === 'events') send(socket, events(Number(size)));
    });
  });
  server.listen(join(folder, `${name}.sock`));
  await once(server, 'listening');
}
process.send?.('listening');
process.once('disconnect', () => process.exit());

function send(socket, buffers) {
  Readable.from(buffers).pipe(socket, { end: false });
}

function* events(count) {
  let left = count;
  for (; left >= POOL; left -= POOL) yield* cut(pool);
  if (left > 0) yield* cut(Buffer.from(all.slice(-left).join('')));
}

function* cut(buffer) {
  for (let from = 0; from < buffer.length; from += CHUNK) yield buffer.subarray(from, from + CHUNK);
}

/** One line, a little shorter than so many MiB, like that of query-named-block-nodes. */
function* reply(megabytes, id) {
  yield Buffer.from('{"return": [');
  let size = 0;
  for (let number = 0; ; number += 1000) {
    const nodes = Buffer.from(Array.from({ length: 1000 }, (_, index) => node(number + index)).join(', '));
    size += nodes.length + 2;
    if (size > megabytes * 2 ** 20 - 1024) break;
    yield number === 0 ? nodes : Buffer.concat([Buffer.from(', '), nodes]);
  }
  yield Buffer.from(`]${id ? `, ${id}` : ''}}\r\n`);
}

function node(number) {
  return `{"iops_rd": 0, "detect_zeroes": "off", "image": {"virtual-size": ${number * 512}, "filename": "/images/vm${number}.qcow2", "format": "qcow2"}, "ro": false, "node-name": "node${number}", "backing_file_depth": ${number % 5}, "drv": "qcow2", "cache": {"no-flush": false, "direct": true, "writeback": true}}`;
}
