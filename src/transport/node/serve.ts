import { createServer, type Server, type Socket } from 'node:net';
import type { Connector } from '../connection.js';
import { parseAddress, type Address } from './address.js';
import { explain } from './socket-errors.js';
import { stoppedReading } from '../send-limit.js';
import { streamConnection } from './stream-connection.js';

/** A running server. */
export interface Served {
  /** The address that it listens on, with the real port where port 0 was asked for. */
  readonly address: string;
  /** Stops listening, and breaks the connections that are open. */
  close(): Promise<void>;
}

/**
 * Lets other programs connect to what a connector leads to: to a FakeQemu, or to a recording.
 *
 * ```ts
 * const served = await serve(new FakeQemu().connector, 'unix:/tmp/fake.qmp');
 * ```
 *
 * Whoever connects gets a connection of its own from the connector; there is no password.
 *
 * @param where an address, or a port on 127.0.0.1, 0 for any that is free
 */
export async function serve(connector: Connector, where: Address | (string & {}) | number): Promise<Served> {
  const endpoint = typeof where === 'number' ? { host: '127.0.0.1', port: where } : parseAddress(where);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    relay(socket, connector).catch(() => {
      // Refused by the connector: all that the other side can be told is that nobody is there.
      socket.destroy();
    });
  });
  await listening(server, endpoint, String(where));
  const bound = server.address();
  return {
    address: 'path' in endpoint ? String(where) : `tcp:${endpoint.host}:${(bound as { port: number }).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function listening(server: Server, endpoint: object, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(explain(where, cause));
    });
    server.listen(endpoint, resolve);
  });
}

/** Carries what one side says to the other, until either ends. What comes before the connector has opened waits in the socket. */
async function relay(socket: Socket, connector: Connector): Promise<void> {
  const outside = streamConnection(socket, socket);
  const inside = await connector(new AbortController().signal);
  const leave = (): void => {
    inside.close();
    socket.end();
  };
  inside.incoming$.subscribe({
    next: (chunk) => {
      // A copy: the write may be done only after the chunk's memory is used again.
      socket.write(typeof chunk === 'string' ? chunk : new Uint8Array(chunk));
      if (stoppedReading(socket.writableLength)) socket.destroy();
    },
    error: () => {
      socket.destroy();
    },
    complete: () => {
      socket.end();
    },
  });
  outside.incoming$.subscribe({
    next: (chunk) => {
      inside.send(chunk);
    },
    error: leave,
    complete: leave,
  });
}
