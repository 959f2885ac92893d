import type { CommandMap } from '../../protocol/qapi/command-map.js';
import type { QmpClientOptions } from '../options.js';
import { QmpClient } from '../qmp-client.js';
import { address, type Address } from '../../transport/node/address.js';

/** The options of the client, and a signal that ends the attempt to connect. */
export interface ConnectOptions extends QmpClientOptions {
  /** Gives up connecting when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * A connected client, in one line.
 *
 * ```ts
 * const client = await connect('unix:/run/vm1.qmp');
 * console.log(await client.execute('query-status'));
 * await client.close();
 * ```
 *
 * Over `tcp:` whoever reaches the port controls the VM, and often the host: use it on loopback only, else `tcp()` with TLS.
 *
 * Rejects as {@link QmpClient.connect} does, and leaves nothing open then.
 */
export async function connect<M extends object = CommandMap>(
  text: Address | (string & {}),
  { signal, ...options }: ConnectOptions = {},
): Promise<QmpClient<M>> {
  const client = new QmpClient<M>(address(text), options);
  try {
    await client.connect(signal ? { signal } : {});
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}
