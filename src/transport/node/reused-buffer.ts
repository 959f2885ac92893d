import type { OnReadOpts, Socket } from 'node:net';
import type { Reading } from './stream-connection.js';

/** As much as a socket usually delivers at once; one for all sockets of the process, since reading is synchronous. */
const BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Reads sockets into one buffer again and again, where a stream would make a new one for each chunk: 5 % of the wire, and 64 kB for
 * each idle client. {@link options} belong into those of the socket, which must stay paused until it is read.
 */
export class ReusedBuffer {
  #forward: ((chunk: Uint8Array) => void) | undefined;
  readonly options: { readonly onread: OnReadOpts } = {
    onread: {
      buffer: BUFFER,
      callback: (length, buffer) => {
        this.#forward?.(buffer.subarray(0, length));
        return true;
      },
    },
  };

  reading(socket: Socket): Reading {
    return (forward) => {
      this.#forward = forward;
      socket.resume();
      return () => {
        this.#forward = undefined;
      };
    };
  }
}
