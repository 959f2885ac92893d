import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Observable } from 'rxjs';
import { checkTimeout } from '../../foundation/checks.js';
import type { Connection } from '../connection.js';
import { parseAddress } from './address.js';
import { readGreeting } from './read-greeting.js';
import { KEEP_ALIVE } from './socket.js';
import { explain } from './socket-errors.js';
import { socketConnection } from './socket-connection.js';

/** How a QEMU that dials in is accepted. */
export interface AcceptOptions {
  /** Turns TLS on; Node's own options (`cert`, `key`, `ca`, `requestCert`, …). Over TCP only. */
  readonly tls?: TlsOptions;
  /** Milliseconds within which a peer must greet, or it is closed. @default 10_000 */
  readonly peerTimeout?: number;
}

/** A QEMU that has dialled in and greeted. The connection delivers its greeting, too. */
export interface GreetedPeer {
  readonly connection: Connection;
  /** `HOST:PORT`, or a number on a unix socket, where peers have no address. */
  readonly name: string;
}

/** So many peers are read at a time; one more takes the place of the one that has waited longest. */
const PLACES = 16;

/**
 * Listens while it is subscribed, and emits each peer that greets. One that does not within `peerTimeout`, or that says something
 * else, is closed, as are at the end all that have not greeted. Errors where it cannot listen; never completes.
 *
 * @throws TypeError | RangeError at once, if the address or an option is not valid
 */
export function greetedPeers(text: string, { tls, peerTimeout = 10_000 }: AcceptOptions): Observable<GreetedPeer> {
  const endpoint = parseAddress(text);
  if (tls && 'path' in endpoint) throw new TypeError('tls goes with a tcp: address only');
  checkTimeout('peerTimeout', peerTimeout);
  return new Observable((subscriber) => {
    const server: Server = tls ? createTlsServer(tls) : createServer();
    /** For each peer that has not greeted, in the order in which they came, what gives its place up. */
    const places = new Map<Socket, () => void>();
    const byName = new Map<string, Socket>();
    let count = 0;
    const nameOf = (socket: Socket): string => {
      const { remoteAddress: host, remotePort: port } = socket;
      if (host === undefined) return String((count += 1));
      return `${host.includes(':') ? `[${host}]` : host}:${port ?? 0}`;
    };
    const read = (socket: Socket, name: string, leave: () => void): void => {
      readGreeting(socket, () => {
        leave();
        if (!('path' in endpoint)) socket.setKeepAlive(true, KEEP_ALIVE);
        subscriber.next({ connection: socketConnection(socket), name });
      });
    };
    server.on('error', (cause) => {
      subscriber.error(explain(text, cause));
    });
    server.on('connection', (socket: Socket) => {
      const [longest] = places.size < PLACES ? [] : places.keys();
      longest?.destroy();
      const name = nameOf(socket);
      const timer = peerTimeout === Infinity ? undefined : setTimeout(() => socket.destroy(), peerTimeout);
      const leave = (): void => {
        clearTimeout(timer);
        places.delete(socket);
        byName.delete(name);
      };
      if (longest) places.get(longest)?.();
      places.set(socket, leave);
      byName.set(name, socket);
      socket.once('close', leave);
      if (!tls) read(socket, name, leave);
    });
    server.on('secureConnection', (secure: Socket) => {
      const name = nameOf(secure);
      const leave = places.get(byName.get(name) as Socket);
      if (leave) read(secure, name, leave);
      else secure.destroy();
    });
    server.listen(endpoint);
    return () => {
      server.close();
      for (const [socket, leave] of [...places]) {
        leave();
        socket.destroy();
      }
    };
  });
}
