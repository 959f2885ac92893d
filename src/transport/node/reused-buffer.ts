import type { OnReadOpts, Socket } from 'node:net';
import type { Reading } from './stream-connection.js';

/** As much as a socket usually delivers at once. */
const SIZE = 64 * 1024;

/**
 * Reads a socket into one buffer again and again, where its stream would make a new one for each chunk: 5 % of the wire.
 * {@link options} belong into those of the socket, which must stay paused until it is read.
 */
export class ReusedBuffer {
  #forward: ((chunk: Uint8Array) => void) | undefined;
  readonly options: { readonly onread: OnReadOpts } = {
    onread: {
      buffer: Buffer.allocUnsafeSlow(SIZE),
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
