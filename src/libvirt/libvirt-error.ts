import { QmpError } from '../protocol/errors.js';
import type { XdrReader } from './xdr.js';

/** libvirt refused something; the message has its own words. */
export class LibvirtError extends QmpError {
  override readonly name = 'LibvirtError';
  /** libvirt's number of the error: 42 for an unknown domain, say. */
  readonly code: number;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The numbers that are acted on. */
export const NO_DOMAIN = 42;
export const AGENT_UNRESPONSIVE = 86;
/** An internal error, a system error, a domain that does not run: what libvirt says when QEMU's monitor has gone. */
export const MONITOR_GONE: readonly number[] = [1, 38, 55];

export function readError(reader: XdrReader): LibvirtError {
  const code = reader.int();
  reader.int(); // the part of libvirt that it comes from
  return new LibvirtError(`libvirt: ${reader.optionalString() ?? `error ${code}`}`, code);
}
