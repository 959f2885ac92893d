import type { Connector } from '../transport/connection.js';
import { address, type Address } from '../transport/node/address.js';

/** One end of a VM: a connector, or an address such as `unix:/run/vm1.qmp`. */
export type VmEnd = Connector | Address | (string & {});

/** Where a VM is. */
export interface VmEnds {
  /** Where its monitor is. */
  readonly monitor: VmEnd;
  /** The chardev of its guest agent's port. With it the guest's addresses are known, asked for each minute. */
  readonly guest?: Connector<object> | Address | (string & {});
}

/** Where a VM's monitor is, or both of its ends. */
export type VmAddress = VmEnd | VmEnds;

export interface VmConnectors {
  readonly monitor: Connector;
  readonly guest?: Connector<object>;
}

/** @throws TypeError if an address is not valid */
export function connectorsOf(where: VmAddress): VmConnectors {
  const { monitor, guest } = typeof where === 'object' ? where : { monitor: where, guest: undefined };
  return {
    monitor: typeof monitor === 'function' ? monitor : address(monitor),
    ...(guest !== undefined && { guest: typeof guest === 'function' ? guest : address(guest) }),
  };
}
