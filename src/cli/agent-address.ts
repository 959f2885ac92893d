import { guestAgent } from '../guest/guest-agent.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import type { Connector } from '../transport/connection.js';
import { connectorFor, type AddressOptions } from './addresses.js';

const LIBVIRT = 'libvirt:';

/**
 * The connector for the guest agent at an address of the command line.
 *
 * @throws UsageError if it is not an address
 */
export async function agentConnectorFor(text: string, options: AddressOptions): Promise<Connector<GuestCommandMap>> {
  // Checks the name, too.
  const connector = await connectorFor(text, options);
  if (!text.startsWith(LIBVIRT)) return guestAgent(connector);
  const { guestAgentOf } = await import('../libvirt/guest-agent-of.js');
  return guestAgentOf(text.slice(LIBVIRT.length));
}
