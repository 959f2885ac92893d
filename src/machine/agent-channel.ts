import type { Socket } from 'node:net';
import { Observable, type Subscriber } from 'rxjs';
import type { Connection, Connector } from '../transport/connection.js';
import { stoppedReading } from '../transport/send-limit.js';

/**
 * Connections over one socket, which outlives them: closing one only detaches it, and what comes while there is none is dropped.
 * The latest one counts.
 */
export function agentChannel(name: string, socket: Socket): Connector<object> {
  let current: Subscriber<Uint8Array> | undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    current?.complete();
  };
  socket.on('data', (chunk) => current?.next(chunk));
  // What breaks is told by 'close'.
  socket.on('error', () => undefined);
  socket.on('close', end);
  const open = (): Promise<Connection> => {
    if (ended) return Promise.reject(new Error('QEMU has ended'));
    return Promise.resolve(attach());
  };
  const attach = (): Connection => {
    let mine: Subscriber<Uint8Array> | undefined;
    const detach = (): void => {
      if (current === mine) current = undefined;
    };
    return {
      incoming$: new Observable((subscriber) => {
        current?.complete();
        current = mine = subscriber;
        return detach;
      }),
      send: (data) => {
        if (!socket.writable) return;
        socket.write(typeof data === 'string' ? data : new Uint8Array(data));
        const error = stoppedReading(socket.writableLength);
        if (error) socket.destroy(error);
      },
      close: () => {
        mine?.complete();
        detach();
      },
    };
  };
  return Object.assign(open, { address: name });
}
