import type { EventBusOptions } from '../bus/options.js';
import type { ReconnectPolicy } from './reconnect.js';

/** How a client names itself, how long it waits, what it bounds, and whether it connects again. */
export interface QmpClientOptions extends EventBusOptions {
  /** The name of the client in errors and log lines. @default the connector's address */
  readonly name?: string;
  /** Milliseconds from dialling to the end of the handshake; for `accept()`, from the connection. @default 10_000 */
  readonly connectTimeout?: number;
  /** Milliseconds a command may take, Infinity allowed. @default 60_000 */
  readonly executeTimeout?: number;
  /** A longer line, message or not, ends the session. @default 64 MiB */
  readonly maxMessageBytes?: number;
  /** How integers beyond 2^53 arrive: rounded, with a diagnostic, or exactly, as `bigint`. @default 'number' */
  readonly integers?: 'number' | 'exact';
  /**
   * How many commands may be on the wire at a time; the others wait in order. `oob` commands are outside of it. Some servers in
   * front of a QEMU take one at a time. The connector's own limit counts, too. @default 8 where oob is on, as QEMU asks for; else none
   */
  readonly maxInFlight?: number;
  /**
   * Milliseconds without a byte after which the client asks `query-version`, unless a command is in flight; nothing for as long
   * again ends the session as a loss. The only way to notice a cut cable. A QEMU that is busy with a long command answers
   * nothing meanwhile: choose a longer time than that, or Infinity for none. @default the connector's: 30_000 for WebSockets, else none
   */
  readonly heartbeat?: number;
  /** Whether to connect again after a failed attempt and after the end of a session; `true` means `backoff()`. @default false */
  readonly reconnect?: boolean | ReconnectPolicy;
}
