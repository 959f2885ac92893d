import type { Socket } from 'node:net';
import { StateError } from '../protocol/errors.js';
import type { Connection, Connector } from '../transport/connection.js';
import { socketConnection } from '../transport/node/socket-connection.js';

/** The monitor on a socketpair: it greets once. */
export function inheritedMonitor(name: string, socket: Socket): Connector {
  const connection = socketConnection(socket);
  let taken = false;
  const open = (): Promise<Connection> => {
    if (!taken) {
      taken = true;
      return Promise.resolve(connection);
    }
    const error = new StateError(
      'the monitor of a launched QEMU greets once, so there is no second session after disconnect(); stop() ends it',
    );
    return Promise.reject(error);
  };
  return Object.assign(open, { address: name });
}
