import type { Socket } from 'node:net';
import { Framing } from '../../protocol/framing.js';
import { isGreeting, kindOf } from '../../protocol/message.js';

/** No greeting, with what may come before it, is as long as this. */
const GREETING_BYTES = 64 * 1024;

/** Reads until a greeting has come, and puts all of it back into the stream. Anything else that comes destroys the socket. */
export function readGreeting(socket: Socket, onGreeting: () => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  let greeted = false;
  const options = { name: 'a peer', maxMessageBytes: GREETING_BYTES, integers: 'number' } as const;
  const framing = new Framing(options, {
    message: (message) => {
      if (isGreeting(message)) greeted = true;
      else if (kindOf(message) !== 'event' && !greeted) socket.destroy();
    },
    diagnostic: () => {
      if (!greeted) socket.destroy();
    },
  });
  const take = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    try {
      framing.push(chunk);
    } catch {
      socket.destroy();
    }
    if (length > GREETING_BYTES && !greeted) socket.destroy();
  };
  // Not 'data': taking that listener away again would leave the socket flowing, or paused for good.
  const onReadable = (): void => {
    while (!greeted && !socket.destroyed) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      take(chunk);
    }
    socket.off('readable', onReadable);
    if (socket.destroyed) return;
    socket.unshift(Buffer.concat(chunks));
    onGreeting();
  };
  socket.on('error', () => undefined);
  socket.on('readable', onReadable);
}
