import type { QueueStats } from '../bus/registration.js';

/** Counters since the client was made; cheap to read. Those of queues leave the built-in listener `events` out. */
export interface ClientStats extends QueueStats {
  /** Events received. */
  readonly events: number;
  /** Replies to commands, errors included. */
  readonly replies: number;
  /** Bytes received, or UTF-16 units where the connection delivers text. */
  readonly bytes: number;
  /** Diagnostics, of listeners and of the server. */
  readonly faults: number;
  /** Sessions after the first. */
  readonly reconnects: number;
  /** Listeners registered now, the built-in one included. */
  readonly listeners: number;
  /** Commands without a reply yet. */
  readonly pending: number;
}
