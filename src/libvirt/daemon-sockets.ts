import { show } from '../foundation/text.js';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { env, getuid } from 'node:process';

/** libvirt's VMs of the machine, or of the user. */
export type LibvirtUri = 'qemu:///system' | 'qemu:///session';

/** Which of libvirt's daemons has the domain. */
export interface LibvirtOptions {
  /**
   * Whose VMs: the system's or the user's.
   *
   * @default the environment's LIBVIRT_DEFAULT_URI, else the system's for root and the session's for others, as for virsh
   */
  readonly uri?: LibvirtUri | (string & {});
  /** The path of the daemon's unix socket. @default where `virtqemud` or `libvirtd` has it for that URI */
  readonly socket?: string;
}

/** Where a daemon may listen, and what it is to open. */
export interface Daemon {
  readonly uri: LibvirtUri;
  /** The likeliest first. */
  readonly sockets: readonly string[];
}

/** @throws TypeError if the URI is not one of QEMU's on this machine */
export function daemonOf({ uri, socket }: LibvirtOptions): Daemon {
  const isRoot = getuid?.() === 0;
  const chosen: unknown = uri ?? env['LIBVIRT_DEFAULT_URI'] ?? (isRoot ? 'qemu:///system' : 'qemu:///session');
  const [, kind, query = ''] =
    /^qemu(?:\+unix)?:\/\/\/(system|session)(?:\?(.*))?$/.exec(typeof chosen === 'string' ? chosen : '') ?? [];
  if (kind === undefined) {
    const advice = 'for another machine, forward its socket with ssh -L and pass { socket }';
    throw new TypeError(`uri must be qemu:///system or qemu:///session, not ${show(chosen)}; ${advice}`);
  }
  const known = kind === 'system' || isRoot ? '/run/libvirt' : sessionFolder();
  const given = socket ?? new URLSearchParams(query).get('socket') ?? undefined;
  return {
    uri: kind === 'system' ? 'qemu:///system' : 'qemu:///session',
    sockets: given === undefined ? ['virtqemud-sock', 'libvirt-sock'].map((name) => join(known, name)) : [given],
  };
}

function sessionFolder(): string {
  return join(env['XDG_RUNTIME_DIR'] ?? join(homedir(), '.cache'), 'libvirt');
}
