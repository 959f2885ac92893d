import type { Message } from './message.js';

/** A message had an `event` that is no string. */
export interface NotAnEvent {
  readonly kind: 'not-an-event';
  readonly message: string;
  readonly received: Message;
}

export function notAnEvent(received: Message): NotAnEvent {
  return { kind: 'not-an-event', message: 'an event whose name is no string was dropped', received };
}

/** What a server sent, or did, that QMP does not allow, and that the session survived. */
export type ProtocolDiagnostic = NotAnEvent | ServerFault;

/** One with nothing but a text. */
export interface ServerFault {
  readonly kind:
    /** a line that is no JSON object; dropped */
    | 'bad-line'
    /** an event of more than 64 KiB; dropped */
    | 'event-too-large'
    /** an object that is neither greeting, reply nor event; dropped */
    | 'unknown-message'
    /** a reply to nothing we asked; dropped */
    | 'unknown-id'
    /** an error without id while not exactly one command was in flight */
    | 'error-without-id'
    /** the connection ended inside a message */
    | 'half-message'
    /** closing the connection threw */
    | 'close-failed'
    /** an integer beyond 2^53 was rounded; see `integers: 'exact'` */
    | 'rounded-integer';
  readonly message: string;
}
