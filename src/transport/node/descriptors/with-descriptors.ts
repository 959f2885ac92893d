import { show } from '../../../foundation/text.js';
import type { Socket } from 'node:net';
import { QmpError } from '../../../protocol/errors.js';
import type { Connection, Connector } from '../../connection.js';
import { socketOf } from '../socket-of.js';
import { loadSendMessage } from './send-message.js';
import { DescriptorSender } from './descriptor-sender.js';

/**
 * The same connector, over whose connections commands may pass file descriptors: `getfd` and `add-fd`.
 *
 * ```ts
 * const client = new QmpClient(withDescriptors(unixSocket('/run/vm1.qmp')));
 * await client.connect();
 * const disk = await open('/var/lib/disk.img', 'r+');
 * await client.execute('add-fd', { 'fdset-id': 1 }, { fds: [disk] });
 * await disk.close();
 * ```
 *
 * The descriptors stay yours; QEMU has copies once the command has its reply. Linux only; needs the package `koffi`. Where
 * something is missing, `connect()` rejects and says what.
 *
 * @param connector a `unixSocket()`
 */
export function withDescriptors(connector: Connector): Connector {
  if (typeof connector !== 'function') throw new TypeError(`connector must be a function, not ${show(connector)}`);
  const open = async (signal: AbortSignal): Promise<Connection> => {
    const send = await loadSendMessage();
    const connection = await connector(signal);
    const socket = socketOf(connection);
    if (!socket || !isUnix(socket)) {
      connection.close();
      throw new QmpError('file descriptors go over unix sockets only: withDescriptors(unixSocket(path))');
    }
    return new DescriptorSender(connection, socket, send);
  };
  return Object.assign(open, connector);
}

/** A TCP socket has the address of its peer. */
function isUnix(socket: Socket): boolean {
  return socket.remoteAddress === undefined;
}
