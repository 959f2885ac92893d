import { take } from 'rxjs';
import { whenAborted } from '../../foundation/abort.js';
import type { Connection, Connector } from '../connection.js';
import type { Address } from './address.js';
import { greetedPeers, type AcceptOptions } from './greeted-peers.js';

/**
 * Listens, and waits without limit for a QEMU to dial in: `-qmp unix:PATH,server=off` or `-qmp tcp:HOST:PORT,server=off`. Each call
 * of the connector takes one QEMU and listens only until it has come. Up to 16 peers are read at a time: the first that greets is
 * the QEMU, and the others are closed.
 *
 * Over TCP, whoever is first to greet is taken for the QEMU: use it on loopback, or with `tls` and `requestCert`.
 *
 * @throws TypeError | RangeError if the address or an option is not valid
 */
export function accept(text: Address | (string & {}), options: AcceptOptions = {}): Connector {
  const peers = greetedPeers(text, options).pipe(take(1));
  const open = (signal: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const listening = peers.subscribe({
        next: ({ connection }) => {
          stopWatching();
          resolve(connection);
        },
        error: (error: unknown) => {
          stopWatching();
          reject(error);
        },
      });
      const stopWatching = whenAborted(signal, () => {
        listening.unsubscribe();
        reject(signal.reason as Error);
      });
    });
  return Object.assign(open, { address: text, waitsForPeer: true });
}
