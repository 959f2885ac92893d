import type { ProtocolDiagnostic } from '../protocol/diagnostic.js';
import type { QmpEvent } from '../protocol/message.js';
import type { EventListener } from './event-listener.js';

/** The `accept`, filter, `put` or `onLag` of a listener threw, or answered with a promise. */
export interface ListenerFault {
  /** Tells this diagnostic from the others. */
  readonly kind: 'listener-fault';
  /** What happened, in a sentence. */
  readonly message: string;
  /** The listener that was at fault. */
  readonly listener: EventListener;
  /** What it threw, or what its promise was rejected with. */
  readonly error: unknown;
  /** The event that this listener missed; unknown where a promise was rejected later. */
  readonly event?: QmpEvent;
}

/** The reconnect policy threw, or gave no time that a timer can wait. */
export interface PolicyFault {
  /** Tells this diagnostic from the others. */
  readonly kind: 'policy-fault';
  /** What happened, in a sentence. */
  readonly message: string;
  /** What the policy threw, or what is wrong with its answer. */
  readonly error: unknown;
}

/** Something that went wrong and that the bus survived. `message` says it in a sentence. */
export type Diagnostic = ListenerFault | PolicyFault | Suppressed | ProtocolDiagnostic;

/**
 * Says how many diagnostics that a server caused were held back. Comes before the next of their kind, or at the end of the
 * session.
 */
export interface Suppressed {
  /** Tells this diagnostic from the others. */
  readonly kind: 'suppressed';
  /** What happened, in a sentence. */
  readonly message: string;
  /** The kind of the diagnostics that were held back. */
  readonly of: ProtocolDiagnostic['kind'];
  /** How many of them were held back since the last such notice. */
  readonly count: number;
}
