import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Connection, Connector } from '../connection.js';
import { parseAddress, type Address } from './address.js';
import { KEEP_ALIVE } from './socket.js';
import { explain } from './socket-errors.js';
import { socketConnection } from './socket-connection.js';

/** How a QEMU that dials in is taken. */
export interface AcceptOptions {
  /** Encrypts; Node's own options (`cert`, `key`, `ca`, `requestCert`, …). Over TCP only. */
  readonly tls?: TlsOptions;
}

/**
 * Listens, and waits without limit for a QEMU to dial in: `-qmp unix:PATH` or `-qmp tcp:HOST:PORT`, without `server=on`. Takes
 * one connection for each call of the connector and listens only until it has come.
 *
 * Over TCP, whoever is first to dial is taken for the QEMU: use it on loopback, or with `tls` and `requestCert`.
 */
export function accept(text: Address | (string & {}), { tls }: AcceptOptions = {}): Connector {
  const endpoint = parseAddress(text);
  if (tls && 'path' in endpoint) throw new TypeError('tls goes with a tcp: address only');
  const open = (signal: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const server: Server = tls ? createTlsServer(tls) : createServer();
      // With TLS, others may be in the middle of their handshake when the first has finished its own.
      const dialled = new Set<Socket>();
      const stop = (chosen?: Socket): void => {
        signal.removeEventListener('abort', giveUp);
        server.close();
        for (const socket of dialled) if (socket.remotePort !== chosen?.remotePort) socket.destroy();
      };
      const giveUp = (): void => {
        stop();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      server.on('error', (cause) => {
        stop();
        reject(explain(text, cause));
      });
      server.on('connection', (socket: Socket) => {
        dialled.add(socket.once('close', () => dialled.delete(socket)));
      });
      server.once(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
        stop(socket);
        if (!('path' in endpoint)) socket.setKeepAlive(true, KEEP_ALIVE);
        resolve(socketConnection(socket));
      });
      server.listen(endpoint);
    });
  return Object.assign(open, { address: text, waitsForPeer: true });
}
