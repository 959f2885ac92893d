import { show } from '../../foundation/text.js';
import type { Connector } from '../connection.js';
import type { CommandMap } from '../../protocol/qapi/command-map.js';
import { checkPath, checkPort } from './address-checks.js';
import { tcp, unixSocket } from './socket.js';

/** Where a QMP server is, as QEMU's own `-qmp` option writes it. */
export type Address = `unix:${string}` | `tcp:${string}:${number}`;

export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * The connector for an address in words.
 *
 * @throws TypeError if the address is not valid
 */
export function address<M extends object = CommandMap>(text: Address | (string & {})): Connector<M> {
  const endpoint = parseAddress(text);
  return 'path' in endpoint ? unixSocket(endpoint.path) : tcp(endpoint.host, endpoint.port);
}

/** @throws TypeError | RangeError if the address is not valid */
export function parseAddress(text: unknown): Endpoint {
  const [, scheme, rest = ''] = /^(unix|tcp):(.*)$/s.exec(typeof text === 'string' ? text : '') ?? [];
  if (scheme === 'unix') {
    checkPath('the path of the address', rest);
    return { path: rest };
  }
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) {
    throw new TypeError(`address must be unix:PATH or tcp:HOST:PORT (an IPv6 host in brackets), not ${show(text)}`);
  }
  checkPort('the port of the address', Number(port));
  return { host, port: Number(port) };
}
