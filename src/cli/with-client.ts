import type { QmpClientOptions } from '../client/options.js';
import { QmpClient } from '../client/qmp-client.js';
import { connectorFor, type AddressOptions } from './addresses.js';
import { interruptSignal } from './interrupt.js';

/**
 * Connects to an address of the command line, gives the client to `use`, and closes it, whatever happens. The signal aborts on
 * Ctrl-C; what rejects with its reason then ends the program quietly, with the exit code that shells expect.
 */
export async function withClient<T>(
  text: string,
  options: AddressOptions & { readonly client?: QmpClientOptions },
  use: (client: QmpClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const connector = await connectorFor(text, options);
  return withConnected(new QmpClient(connector, { integers: 'exact', ...options.client }), use);
}

/** The same for a client that is not connected yet. */
export async function withConnected<M extends object, T>(
  client: QmpClient<M>,
  use: (client: QmpClient<M>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = interruptSignal();
  try {
    await client.connect({ signal });
    return await use(client, signal);
  } finally {
    await client.close();
  }
}
