import { show } from '../foundation/text.js';
import type { Connection, Connector } from '../transport/connection.js';
import { daemonOf, type LibvirtOptions } from './daemon-sockets.js';
import { LibvirtMonitor } from './libvirt-monitor.js';
import { openDomain } from './open-domain.js';

/**
 * Connects to the QEMU of a running libvirt domain, through libvirt: it holds the monitor, and passes commands and events on.
 *
 * ```ts
 * const client = new QmpClient(libvirt('vm1'));
 * await client.connect();
 * console.log(await client.execute('query-status'));
 * ```
 *
 * libvirt supports reading and watching in this way. What changes the VM behind its back makes it wrong about the VM; use
 * libvirt's own tools for that. It marks the domain as tainted, runs one command at a time, and none out of band.
 *
 * @param domain its name
 * @throws TypeError if the name or the URI is not valid
 */
export function libvirt(domain: string, options: LibvirtOptions = {}): Connector {
  checkDomain(domain);
  const { uri } = daemonOf(options);
  const open = async (signal: AbortSignal): Promise<Connection> => {
    const monitor = new LibvirtMonitor();
    await openDomain(domain, options, monitor, signal, (opened) => monitor.start(opened));
    return monitor.facade;
  };
  return Object.assign(open, { address: `libvirt:${domain} (${uri})`, maxInFlight: 1 });
}

/** @throws TypeError if a domain cannot have this name */
export function checkDomain(name: unknown): void {
  if (typeof name !== 'string' || name === '' || /[/\n]/.test(name)) {
    throw new TypeError(`domain must be the name of a libvirt domain, not ${show(name)}`);
  }
}
