import { connect as connectNet, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Connection, Connector } from '../connection.js';
import type { CommandMap } from '../../protocol/qapi/command-map.js';
import { checkHost, checkPath, checkPort } from './address-checks.js';
import { explain } from './socket-errors.js';
import { noteSocket } from './socket-of.js';
import { ReusedBuffer } from './reused-buffer.js';
import { socketConnection } from './socket-connection.js';
import type { Reading } from './stream-connection.js';

/** Milliseconds of silence after which TCP asks whether the other host is there still; by default it is two hours. */
export const KEEP_ALIVE = 60_000;

/** How a TCP connection is made. */
export interface TcpOptions {
  /** Turns TLS on, and verifies the server; Node's own options (`ca`, `cert`, `key`, `servername`, …). */
  readonly tls?: ConnectionOptions;
}

/** Connects to the unix socket of `-qmp unix:PATH,server=on,wait=off`. */
export function unixSocket<M extends object = CommandMap>(path: string): Connector<M> {
  checkPath('path', path);
  const address = `unix:${path}`;
  return Object.assign((signal: AbortSignal) => dialPlain({ path }, address, signal), { address, keepsPlace: true });
}

/**
 * Connects to `-qmp tcp:HOST:PORT,server=on,wait=off`.
 *
 * Whoever reaches the port controls the VM, and often the host: there is no password. Use it on loopback, or with `tls` and
 * client certificates.
 */
export function tcp<M extends object = CommandMap>(host: string, port: number, { tls }: TcpOptions = {}): Connector<M> {
  checkHost('host', host);
  checkPort('port', port);
  const target = { host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE, noDelay: true };
  const address = `tcp:${host.includes(':') ? `[${host}]` : host}:${port}`;
  const open = tls
    ? (signal: AbortSignal): Promise<Connection> =>
        dial(() => connectTls({ ...target, ...tls }), 'secureConnect', address, signal)
    : (signal: AbortSignal): Promise<Connection> => dialPlain(target, address, signal);
  return Object.assign(open, { address, keepsPlace: true });
}

function dialPlain(target: NetConnectOpts, address: string, signal: AbortSignal): Promise<Connection> {
  const buffer = new ReusedBuffer();
  const open = (): Socket => connectNet({ ...target, ...buffer.options }).pause();
  return dial(open, 'connect', address, signal, (socket) => buffer.reading(socket));
}

function dial(
  open: () => Socket,
  ready: string,
  address: string,
  signal: AbortSignal,
  reading?: (socket: Socket) => Reading,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = open();
    const giveUp = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    const fail = (cause: Error): void => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      reject(explain(address, cause));
    };
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('error', fail);
    socket.once(ready, () => {
      signal.removeEventListener('abort', giveUp);
      const connection = socketConnection(socket, reading?.(socket));
      noteSocket(connection, socket);
      socket.off('error', fail);
      resolve(connection);
    });
  });
}
