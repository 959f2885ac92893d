import type { QmpError } from '../protocol/errors.js';
import type { Greeting } from '../protocol/message.js';
import type { EventMap } from '../protocol/qapi/event-map.js';

/** What QEMU said of its own end, by its SHUTDOWN event. */
export type Shutdown = EventMap['SHUTDOWN'];

/** What a client is doing. Tell the phases apart by `switch (state.phase)`. */
export type ConnectionState =
  | { readonly phase: 'idle' }
  /** `attempt` counts from 1 since `connect()` or since the last session that was steady; see `ReconnectPolicy.steadyAfter`. */
  | { readonly phase: 'connecting' | 'negotiating'; readonly attempt: number }
  | {
      readonly phase: 'ready';
      /** Counts the client's sessions from 1. */
      readonly session: number;
      readonly greeting: Greeting;
      readonly since: Date;
    }
  | {
      readonly phase: 'reconnecting';
      readonly attempt: number;
      readonly retryAt: Date;
      readonly cause: QmpError;
      /** Set if QEMU announced the end of its session. */
      readonly shutdown?: Shutdown;
    }
  /** With a cause after a loss or a failed attempt, without after an orderly end; with `shutdown` if QEMU announced it. */
  | { readonly phase: 'closed'; readonly cause?: QmpError; readonly shutdown?: Shutdown };

/** The time between two sessions of a client. QEMU keeps no events for absent clients: what happened in it is not known. */
export interface Gap {
  /** When the session before ended. */
  readonly since: Date;
  /** When the next session began. */
  readonly until: Date;
  /** Why the session before ended; absent if it ended in good order. */
  readonly cause?: QmpError;
  /** The number of the session that begins. */
  readonly session: number;
}
