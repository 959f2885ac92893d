import { Observable } from 'rxjs';
import type { CommandMap } from '../../protocol/qapi/command-map.js';
import type { Connection, Connector } from '../../transport/connection.js';
import type { Address } from '../../transport/node/address.js';
import { greetedPeers, type AcceptOptions, type GreetedPeer } from '../../transport/node/greeted-peers.js';
import type { QmpClientOptions } from '../options.js';
import { QmpClient } from '../qmp-client.js';

/** How QEMUs that dial in are accepted, and the options of their clients. */
export interface AcceptClientsOptions extends AcceptOptions, Omit<QmpClientOptions, 'name' | 'reconnect'> {}

/** So many may be between greeting and ready; one more ends the oldest. */
const HANDSHAKES = 16;

/**
 * A client for each QEMU that dials in, ready to take commands: many QEMUs started with `-qmp tcp:HOST:PORT,server=off`, or with
 * `unix:PATH`, share one address. Each client is yours to close. It never reconnects: a QEMU that dials again is a new client. Its
 * name is the peer's address, `tcp:HOST:PORT`; on a unix socket, where peers have none, `unix:PATH#1` and so on.
 *
 * Listens while it is subscribed; unsubscribing closes no client that it has emitted. Errors if it cannot listen; never completes.
 * A peer that is no QEMU is closed and not emitted.
 *
 * @throws TypeError | RangeError if the address or an option is not valid
 */
export function accept$<M extends object = CommandMap>(
  text: Address | (string & {}),
  { tls, peerTimeout, ...options }: AcceptClientsOptions = {},
): Observable<QmpClient<M>> {
  const peers = greetedPeers(text, { ...(tls && { tls }), ...(peerTimeout !== undefined && { peerTimeout }) });
  const clientOf = ({ connection, name }: GreetedPeer): QmpClient<M> =>
    new QmpClient<M>(once(connection), {
      ...options,
      name: text.startsWith('unix:') ? `${text}#${name}` : `tcp:${name}`,
      reconnect: false,
    });
  return new Observable((subscriber) => {
    const connecting = new Set<QmpClient<M>>();
    subscriber.add(() => {
      for (const client of connecting) void client.close();
    });
    subscriber.add(
      peers.subscribe({
        next: (peer) => {
          const client = clientOf(peer);
          const [oldest] = connecting.size < HANDSHAKES ? [] : connecting;
          if (oldest) void oldest.close();
          connecting.add(client);
          client.connect().then(
            () => {
              connecting.delete(client);
              subscriber.next(client);
            },
            () => {
              connecting.delete(client);
              void client.close();
            },
          );
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
      }),
    );
  });
}

/** Gives this connection to the first call. */
function once<M extends object>(connection: Connection): Connector<M> {
  let taken = false;
  return () => {
    if (taken) {
      return Promise.reject(new Error('this QEMU had dialled in; if it dials again, accept$ emits a new client'));
    }
    taken = true;
    return Promise.resolve(connection);
  };
}
