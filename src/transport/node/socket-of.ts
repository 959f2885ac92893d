import type { Socket } from 'node:net';
import type { Connection } from '../connection.js';

const sockets = new WeakMap<Connection, Socket>();

/** Notes the socket that a connection is made of. */
export function noteSocket(connection: Connection, socket: Socket): void {
  sockets.set(connection, socket);
}

/** The socket that a connection is made of, if it is one. */
export function socketOf(connection: Connection): Socket | undefined {
  return sockets.get(connection);
}
