import type { Readable, Writable } from 'node:stream';
import type { Connection, Connector } from '../connection.js';
import { StateError } from '../../protocol/errors.js';
import { streamConnection } from './stream-connection.js';

/**
 * Talks over streams that are open already: a child process that speaks QMP on its stdin and stdout, or a socket.
 *
 * ```ts
 * const qemu = spawn('qemu-system-x86_64', ['-qmp', 'stdio', '-display', 'none']);
 * const client = new QmpClient(streams(qemu.stdout, qemu.stdin));
 * ```
 *
 * Streams do not open twice: a second call of the connector rejects.
 */
export function streams(readable: Readable, writable: Writable): Connector {
  if (typeof (readable as Partial<Readable> | undefined)?.read !== 'function') {
    throw new TypeError('readable must be a readable stream');
  }
  if (typeof (writable as Partial<Writable> | undefined)?.write !== 'function') {
    throw new TypeError('writable must be a writable stream');
  }
  const connection = streamConnection(readable, writable);
  let taken = false;
  const open = (): Promise<Connection> => {
    if (taken) {
      return Promise.reject(new StateError('these streams were connected before, and streams do not open twice'));
    }
    taken = true;
    return Promise.resolve(connection);
  };
  return Object.assign(open, { address: 'streams' });
}
