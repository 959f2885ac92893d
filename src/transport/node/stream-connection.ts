import { finished, type Readable, type Writable } from 'node:stream';
import { Observable } from 'rxjs';
import type { Connection } from '../connection.js';
import { stoppedReading } from '../send-limit.js';

/** Begins to hand on what arrives; call what it returns to end that. */
export type Reading = (forward: (chunk: Uint8Array | string) => void) => () => void;

/**
 * A connection over Node streams; a socket is both of them. What arrives before somebody subscribes waits in the stream.
 *
 * @param write how to write; what has been handed over and is not in the stream yet counts as unsent
 */
export function streamConnection(
  readable: Readable,
  writable: Writable,
  reading: Reading = readingOf(readable),
  write: Writing = writingTo(writable),
): Connection {
  let closed = false;
  const destroy = (error?: Error): void => {
    writable.destroy(error);
    readable.destroy(error);
  };
  // What breaks is told by `incoming$`; without a listener the streams would throw it at the process.
  const ignore = (): void => undefined;
  readable.on('error', ignore);
  writable.on('error', ignore);
  return {
    incoming$: new Observable((subscriber) => {
      const stopWatchingWritable = finished(writable, { readable: false }, (error) => {
        if (error) readable.destroy(error);
      });
      const stopWatchingReadable = finished(readable, { writable: false }, (error) => {
        if (error && !closed) subscriber.error(error);
        else subscriber.complete();
      });
      const stopReading = reading((chunk) => {
        subscriber.next(chunk);
      });
      return () => {
        stopReading();
        stopWatchingReadable();
        stopWatchingWritable();
      };
    }),
    send: (data) => {
      if (!writable.writable) return;
      // A copy of bytes: the write may be done only after their memory is used again.
      write.write(typeof data === 'string' ? data : new Uint8Array(data));
      const error = stoppedReading(writable.writableLength + write.waiting);
      if (error) destroy(error);
    },
    close: () => {
      if (closed) return;
      closed = true;
      write.flush();
      destroy();
    },
  };
}

/** Writes into a stream, see {@link streamConnection}. */
export interface Writing {
  write(data: string | Uint8Array): void;
  /** How many bytes are handed over and not in the stream yet. */
  readonly waiting: number;
  /** Writes the rest at once. */
  flush(): void;
}

function writingTo(writable: Writable): Writing {
  return { write: (data) => writable.write(data), waiting: 0, flush: () => undefined };
}

function readingOf(readable: Readable): Reading {
  return (forward) => {
    readable.on('data', forward);
    return () => {
      readable.off('data', forward);
    };
  };
}
