import type { QmpClient } from '../client/qmp-client.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';

/** One address of a guest. */
export interface GuestAddress {
  /** The guest's name for the network interface. */
  readonly interface: string;
  /** IPv4 or IPv6, without prefix. */
  readonly address: string;
  /** The length of the network's prefix, in bits. */
  readonly prefix: number;
  /** The hardware address of the interface, as six hexadecimal numbers; absent where it has none. */
  readonly mac?: string;
}

/**
 * The addresses at which others reach the guest: neither loopback nor link-local ones.
 *
 * Rejects as {@link QmpClient.execute} does.
 */
export async function guestAddresses(
  agent: QmpClient<GuestCommandMap>,
  options: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
): Promise<GuestAddress[]> {
  const interfaces = await agent.execute('guest-network-get-interfaces', undefined, options);
  return interfaces.flatMap(({ name, 'hardware-address': mac, 'ip-addresses': addresses = [] }) =>
    addresses
      .filter((one) => !isLocal(one['ip-address']))
      .map((one) => ({
        interface: name,
        address: one['ip-address'],
        prefix: one.prefix,
        ...(mac !== undefined && { mac }),
      })),
  );
}

function isLocal(address: string): boolean {
  return /^(127\.|169\.254\.|::1$|fe[89ab])/i.test(address);
}
