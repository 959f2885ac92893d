import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { VmConnectors } from '../gateway/vm-address.js';
import { connectorFor, type AddressOptions } from './addresses.js';

/** Addresses by the name of the VM; `,guest=ADDRESS` behind one is where its guest agent is. */
export type NamedAddresses = Readonly<Record<string, string>>;

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `web1=unix:/run/web1.qmp,guest=unix:/run/web1.qga`, or the address alone, which then gives the name. */
export function parseVms(text: string, before: NamedAddresses | [] = {}): NamedAddresses {
  const [, name = nameOf(text), address = text] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  if (!/^[a-z]+:./.test(address)) throw new InvalidArgumentError('It must be ADDRESS or NAME=ADDRESS.');
  const others = Array.isArray(before) ? {} : before;
  if (Object.hasOwn(others, name)) {
    throw new InvalidArgumentError(`There are two VMs named ${name}: name them, NAME=ADDRESS.`);
  }
  return { ...others, [name]: address };
}

/** `vm1` of `unix:/run/vm1.qmp`, `libvirt:vm1` and `ws://hub/vms/vm1`; `host-4444` of `tcp:host:4444`. */
function nameOf(address: string): string {
  const [, scheme, rest = ''] = /^([a-z]+):(.*?)(?:,guest=.*)?$/s.exec(address) ?? [];
  const name = scheme === 'tcp' ? rest.replace(/:/g, '-') : basename(rest).replace(/\.(sock|socket|qmp)$/, '');
  return name.replace(/[^\w.-]/g, '-').replace(/^[.-]+/, '') || 'vm';
}

export async function vmConnectors(
  vms: NamedAddresses,
  options: AddressOptions = {},
): Promise<Record<string, VmConnectors>> {
  const connectors: Record<string, VmConnectors> = {};
  for (const [name, text] of Object.entries(vms)) {
    const [, address = text, guest] = /^(.*?),guest=(.*)$/s.exec(text) ?? [];
    connectors[name] = {
      monitor: await connectorFor(address, options),
      ...(guest !== undefined && { guest: await connectorFor(guest, options) }),
    };
  }
  return connectors;
}

export function parseListen(text: string): Listen {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65535) throw new InvalidArgumentError('It must be HOST:PORT.');
  return { host, port: Number(port) };
}
