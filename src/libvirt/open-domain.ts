import { whenAborted } from '../foundation/abort.js';
import { QmpError } from '../protocol/errors.js';
import { daemonOf, type Daemon, type LibvirtOptions } from './daemon-sockets.js';
import { LibvirtError, NO_DOMAIN } from './libvirt-error.js';
import { AUTH_LIST, AUTH_POLKIT, CONNECT_OPEN, LOOK_UP_BY_NAME } from './procedures.js';
import { Rpc, type RpcHost } from './rpc.js';
import { XdrReader, XdrWriter } from './xdr.js';

/** A connection to the daemon that has a running domain. */
export interface OpenDomain {
  readonly rpc: Rpc;
  /** The domain as XDR, as arguments have it. */
  readonly domain: Buffer;
}

/** Kinds of authentication. */
const NONE = 0;
const POLKIT = 2;
/** Bytes of a UUID. */
const UUID = 16;
/** The number of a domain that does not run. */
const INACTIVE = -1;

/**
 * Opens a connection to the daemon, finds a running domain in it, and prepares what it is for. Ends it when the signal aborts
 * before that is done.
 *
 * Rejects with an error that says what to do.
 */
export async function openDomain(
  name: string,
  options: LibvirtOptions,
  host: RpcHost,
  signal: AbortSignal,
  prepare: (opened: OpenDomain) => Promise<void>,
): Promise<void> {
  const daemon = daemonOf(options);
  const rpc = await dial(daemon, host);
  const stopWatching = whenAborted(signal, () => {
    rpc.end(signal.reason as Error);
  });
  try {
    if (signal.aborted) rpc.end(signal.reason as Error);
    await authenticate(rpc);
    await rpc.call(CONNECT_OPEN, new XdrWriter().present().string(daemon.uri).int(0));
    const domain = domainIn(await lookUp(rpc, name, daemon));
    if (new XdrReader(domain.subarray(-4)).int() === INACTIVE) {
      throw new QmpError(`the domain ${name} does not run; virsh -c ${daemon.uri} start ${name} starts it`);
    }
    await prepare({ rpc, domain });
  } catch (error) {
    rpc.end(error as Error);
    throw error;
  } finally {
    stopWatching();
  }
}

/** The bytes of a domain: its name, its UUID, its number. */
export function domainIn(reader: XdrReader): Buffer {
  const name = reader.string();
  return Buffer.concat([new XdrWriter().string(name).bytes, reader.take(UUID + 4)]);
}

async function dial({ uri, sockets }: Daemon, host: RpcHost): Promise<Rpc> {
  for (const path of sockets) {
    try {
      return await Rpc.open(path, host);
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'EACCES') {
        const advice = 'permission denied; members of the group libvirt may, or those whom a polkit rule lets';
        throw new QmpError(`${path}: ${advice} (${message})`, { cause });
      }
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw cause;
    }
  }
  const how =
    uri === 'qemu:///session' ? `virsh -c ${uri} list starts it` : 'systemctl start libvirtd, or virtqemud, starts it';
  throw new QmpError(`no libvirt daemon for ${uri} listens at ${sockets.join(' or ')}; ${how}`);
}

async function authenticate(rpc: Rpc): Promise<void> {
  const reader = await rpc.call(AUTH_LIST);
  const kinds = Array.from({ length: Math.min(reader.unsigned(), 10) }, () => reader.int());
  if (kinds.length === 0 || kinds.includes(NONE)) return;
  if (!kinds.includes(POLKIT)) {
    throw new QmpError(
      'libvirt asks for SASL, which is not supported; set auth_unix_rw to "polkit" or "none" in its configuration',
    );
  }
  try {
    await rpc.call(AUTH_POLKIT);
  } catch (cause) {
    if (!(cause instanceof LibvirtError)) throw cause;
    const advice = 'a polkit rule for org.libvirt.unix.manage, or membership of the group libvirt, lets this user in';
    throw new LibvirtError(`${cause.message}; ${advice}`, cause.code, { cause });
  }
}

async function lookUp(rpc: Rpc, name: string, { uri }: Daemon): Promise<XdrReader> {
  try {
    return await rpc.call(LOOK_UP_BY_NAME, new XdrWriter().string(name));
  } catch (cause) {
    if (!(cause instanceof LibvirtError && cause.code === NO_DOMAIN)) throw cause;
    const other = uri === 'qemu:///system' ? 'qemu:///session' : 'qemu:///system';
    throw new LibvirtError(`${cause.message} (${uri}; it may be one of ${other})`, cause.code, { cause });
  }
}
