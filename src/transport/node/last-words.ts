import type { Socket } from 'node:net';
import type { Writing } from './stream-connection.js';

/** Milliseconds that a failed write may wait for the end of what has arrived. */
const LONGEST_WAIT = 1_000;

/**
 * What the other end said before it went is in the socket's buffer, but Node throws it away once a write of ours fails (EPIPE):
 * QEMU's SHUTDOWN would be lost. So a failed write destroys the socket only when that has been read to its end, when we close it
 * ourselves, or after a second.
 */
export function keepLastWords(socket: Socket): void {
  const destroy = socket.destroy.bind(socket);
  let failure: Error | undefined;
  // Node has no other way to keep a socket open after a failed write.
  socket.destroy = (error?: Error) => {
    if ((error as NodeJS.ErrnoException | undefined)?.syscall !== 'write' || socket.readableEnded) {
      return destroy(error);
    }
    if (failure) return socket;
    failure = error;
    const finish = (): void => {
      clearTimeout(timer);
      destroy(failure);
    };
    const timer = setTimeout(finish, LONGEST_WAIT);
    socket.once('end', finish);
    socket.once('close', () => {
      clearTimeout(timer);
    });
    return socket;
  };
}

/**
 * Writes after the event loop has looked at the sockets once more, when what has arrived is read already. For sockets whose
 * stream, not we, reads them: a write that fails ends such a stream whatever it holds.
 */
export class LateWriting implements Writing {
  readonly #socket: Socket;
  #waiting: (string | Uint8Array)[] = [];
  #length = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get waiting(): number {
    return this.#length;
  }

  write(data: string | Uint8Array): void {
    if (this.#waiting.length === 0) {
      // The first comes before the loop looks at the sockets again, the second after that.
      setImmediate(() => {
        setImmediate(() => {
          this.flush();
        });
      });
    }
    this.#waiting.push(data);
    this.#length += data.length;
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#length = 0;
    if (!this.#socket.writable) return;
    for (const data of waiting) this.#socket.write(data);
  }
}
