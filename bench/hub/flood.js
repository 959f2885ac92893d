// Clients that send as much of the same as the hub takes, and come again when they are cut off.
import { frameOf, Reader } from './reader.js';
import { input, serve } from '../helper.js';

const FRAMES = {
  refused: frameOf(1, Buffer.from('{"execute":"quit","id":1}')),
  queries: frameOf(1, Buffer.from('{"execute":"query-status","id":1}')),
  pings: frameOf(9, Buffer.alloc(0)),
};

const { url, token, count, kind } = input();
const frames = Buffer.concat(Array.from({ length: 500 }, () => FRAMES[kind]));
let sent = 0;

async function flood() {
  for (;;) {
    try {
      const { socket } = await Reader.negotiated(url, token);
      while (!socket.destroyed && !socket.writableEnded) {
        if (socket.writableLength < 64 * 1024) {
          socket.write(frames);
          sent += 500;
        }
        await new Promise(setImmediate);
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

for (let index = 0; index < count; index += 1) void flood();
serve(() => ({ sent }));
