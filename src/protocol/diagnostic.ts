import type { Message } from './message.js';

/** A message had an `event` that is not a string. */
export interface NotAnEvent {
  /** Tells this diagnostic from the others. */
  readonly kind: 'not-an-event';
  /** What happened, in a sentence. */
  readonly message: string;
  /** The message as it came. */
  readonly received: Message;
}

export function notAnEvent(received: Message): NotAnEvent {
  return { kind: 'not-an-event', message: 'an event whose name is no string was dropped', received };
}

/** What a server sent, or did, that QMP does not allow, and that the session survived. */
export type ProtocolDiagnostic = NotAnEvent | ServerFault;

/** A diagnostic that has nothing but a kind and a text. */
export interface ServerFault {
  /** What the server did. */
  readonly kind:
    /** a line that is not a JSON object; dropped */
    | 'bad-line'
    /** an event of more than 64 KiB; dropped */
    | 'event-too-large'
    /** an object that is neither greeting, reply nor event; dropped */
    | 'unknown-message'
    /** a reply to a command that we did not send; dropped */
    | 'unknown-id'
    /** an error without id while not exactly one command was in flight */
    | 'error-without-id'
    /** the connection ended inside a message */
    | 'half-message'
    /** closing the connection threw */
    | 'close-failed'
    /** an integer beyond 2^53 was rounded; see `integers: 'exact'` */
    | 'rounded-integer';
  /** What happened, in a sentence, with the beginning of what was received. */
  readonly message: string;
}
