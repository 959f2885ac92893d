import { checkLimit, checkTimeout } from '../../foundation/checks.js';
import { show } from '../../foundation/text.js';
import type { Logger } from '../../foundation/logger.js';
import type { VmAddress } from '../../gateway/vm-address.js';
import type { VmSource } from '../../gateway/vm-source.js';
import { checkAllowed } from '../../gateway/rights.js';
import type { EventLogOptions } from './event-log.js';
import type { HubToken } from './tokens.js';

/** Which VMs a hub serves, to whom, and within which limits. */
export interface HubOptions {
  /** Where each VM's monitor is, by the VM's name: `'unix:/run/vm1.qmp'`, or `{ monitor, guest }` where its guest agent is, too. */
  readonly vms?: Readonly<Record<string, VmAddress>>;
  /**
   * A folder of unix sockets, watched: each is a VM, named after the file without `.sock`, `.socket` or `.qmp`; `NAME.qga` is the
   * guest agent of the VM of that name. Whoever may write in it decides what the hub talks to.
   */
  readonly dir?: string;
  /** VMs of other hosts, besides those of this one. Each is dialled when somebody first wants to run commands there. */
  readonly source?: VmSource;
  /** The address to listen on. Beyond loopback only with `tls` or `behindProxy`. @default '127.0.0.1' */
  readonly host?: string;
  /** The port to listen on; 0 takes any free one. @default 8765 */
  readonly port?: number;
  /** The tokens that are accepted. @default a new token of one operator: {@link Hub.token} */
  readonly tokens?: readonly HubToken[];
  /**
   * Lets everybody who reaches the port in, as operator. On loopback only: other users of this machine reach it, too.
   *
   * @default false
   */
  readonly noToken?: boolean;
  /**
   * What operators may run besides `query-*`, by exact name. Many commands mean code, or any file, on the host: docs/hub.md
   * lists them. What is named here may be sent out of band, too.
   *
   * @default none
   */
  readonly allow?: readonly string[];
  /** The host names that clients use for the hub, besides localhost and the address itself. */
  readonly hostNames?: readonly string[];
  /** Origins other than the hub's own whose pages may use it: `https://dashboard.example`. */
  readonly origins?: readonly string[];
  /** Turns TLS on, with a certificate and its key as PEM. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** A proxy in front encrypts, and nobody else reaches the port. The log then names clients by X-Forwarded-For. @default false */
  readonly behindProxy?: boolean;
  /** Receives the access log: `debug` for what was served, `warn` for who was refused or cut off. Never a token or an argument. */
  readonly logger?: Logger;
  /** Limits that differ from the defaults. */
  readonly limits?: Partial<HubLimits>;
  /** A file that a line of JSON is added to for each command that is no query: who ran what on which VM. @default none */
  readonly auditLog?: string;
  /** Events kept of each VM, for those who come later or again. @default 1_000 */
  readonly historyEvents?: number;
  /** Bytes of events kept of all VMs together. @default 64 MiB */
  readonly historyBytes?: number;
  /** The folder of the built dashboard, which is then served at `/`: `dist/dashboard` of this package. @default no page */
  readonly dashboard?: string;
}

/** How much one client, or all clients together, may take. A client that exceeds a limit is told and disconnected. */
export interface HubLimits {
  /** WebSockets at one time; more are refused with 503. Ten of them are kept for operators. @default 1_000 */
  readonly clients: number;
  /** WebSockets of one token at one time; with `noToken` of all together. @default 200 */
  readonly clientsPerToken: number;
  /** Commands of one client that are taken in a second, refused ones included; the rest waits. @default 2_000 */
  readonly commandsPerSecond: number;
  /** Bytes of a frame, and of a command. @default 1 MiB */
  readonly frameBytes: number;
  /** Commands of one client without an answer. @default 1_000 */
  readonly commands: number;
  /** Bytes that a client has not read; the largest single reply comes on top. @default 4 MiB */
  readonly unreadBytes: number;
  /**
   * The same for all clients together, commands without an answer included (their text and 8 KiB each); beyond it the clients
   * furthest behind are disconnected.
   *
   * @default 256 MiB
   */
  readonly totalUnreadBytes: number;
  /** Milliseconds between two pings; a client that answers none is cut off at the next. @default 30_000 */
  readonly pingInterval: number;
}

const DEFAULT_LIMITS: HubLimits = {
  clients: 1_000,
  clientsPerToken: 200,
  commandsPerSecond: 2_000,
  frameBytes: 1024 * 1024,
  commands: 1_000,
  unreadBytes: 4 * 1024 * 1024,
  totalUnreadBytes: 256 * 1024 * 1024,
  pingInterval: 30_000,
};

/** What is kept of events. @throws TypeError | RangeError if a number is not valid */
export function historyOf({ historyEvents = 1_000, historyBytes = 64 * 1024 * 1024 }: HubOptions): EventLogOptions {
  checkLimit('historyEvents', historyEvents);
  checkLimit('historyBytes', historyBytes);
  return { events: historyEvents, bytes: historyBytes };
}

/** The limits with their defaults. @throws TypeError | RangeError if one is not valid */
export function limitsOf(options: HubOptions): HubLimits {
  const { pingInterval, ...counts } = { ...DEFAULT_LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(counts)) checkLimit(`limits.${name}`, value, 1);
  checkTimeout('limits.pingInterval', pingInterval);
  return { ...counts, pingInterval };
}

/** @throws TypeError if it would be unsafe, or makes no sense */
export function checkOptions({ host = '127.0.0.1', noToken, tokens, tls, behindProxy, allow = [] }: HubOptions): void {
  if (typeof host !== 'string' || host === '') {
    throw new TypeError(`host must be a host name or address, not ${show(host)}`);
  }
  for (const command of allow) checkAllowed(command);
  if (noToken && tokens) throw new TypeError('tokens and noToken exclude each other');
  if (tokens?.length === 0) throw new TypeError('tokens is empty: nobody could connect');
  if (isLoopback(host)) return;
  if (noToken) throw new TypeError(`noToken goes with a loopback address only, not with ${show(host)}`);
  if (!tls && !behindProxy) {
    throw new TypeError(
      `beyond loopback (${show(host)}) tokens would cross the network in clear: give tls, or behindProxy if a proxy encrypts`,
    );
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
