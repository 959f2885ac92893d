import type { CommandMap } from './qapi/command-map.js';
import type { QmpEvent as ListedEvent, Timestamp } from './listed-event.js';
import type { EventMap } from './qapi/event-map.js';

export type { Timestamp } from './listed-event.js';

/** The name of an event that {@link EventMap} lists. */
export type EventName = keyof EventMap;

/** The name of a command that {@link CommandMap} lists. */
export type CommandName = keyof CommandMap;

/**
 * Stands for the names that no {@link EventMap} lists. A unit type: were it `string`, the union of all events would not narrow
 * by `event.event === 'STOP'`.
 */
export declare enum Unlisted {
  Name = '(unlisted)',
}

/** An event that is not listed: of a newer QEMU, or of a vendor. At run time its `event` is its real name. */
export interface UnlistedEvent<N = Unlisted> {
  /** Its name. */
  readonly event: N;
  /** When QEMU emitted it. */
  readonly timestamp: Timestamp;
  /** Its data, if it has any. */
  readonly data?: unknown;
}

/** Any event, listed or not: what `QmpEvent` without a name stands for. */
export type AnyEvent = { [N in EventName]: ListedEvent<N> }[EventName] | UnlistedEvent;

/**
 * An event as QEMU sent it: `{ event, timestamp, data? }`. `QmpEvent<'STOP'>` is one kind, `QmpEvent` is any and narrows by
 * `===` and `switch` on `event`. One object serves all listeners, hence deeply readonly.
 */
export type QmpEvent<N extends string = EventName> = [[EventName] extends [N] ? never : N] extends [never]
  ? AnyEvent
  : N extends EventName
    ? ListedEvent<N>
    : UnlistedEvent<N>;

/** What QEMU says first on each connection. */
export interface Greeting {
  /** Its version, and what may be enabled. */
  readonly QMP: {
    readonly version: {
      readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
      readonly package: string;
    };
    /** What may be enabled; `oob` is the only one so far. */
    readonly capabilities: readonly string[];
  };
}

/** The answer to a command that went well. */
export interface SuccessReply {
  /** What the command returns. */
  readonly return: unknown;
  /** The id of the command. */
  readonly id?: unknown;
}

/** The answer to a command that failed. Without `id` where QEMU could not parse what it read. */
export interface ErrorReply {
  /** QEMU's class of the error, and its words. */
  readonly error: { readonly class: string; readonly desc: string };
  /** The id of the command. */
  readonly id?: unknown;
}

/** One JSON object as it came over the wire. */
export type Message = Greeting | SuccessReply | ErrorReply | QmpEvent;

/** True for events, that is for messages whose `event` is a string. */
export function isEvent(message: object): message is QmpEvent {
  return typeof (message as { readonly event?: unknown }).event === 'string';
}

/** True for the answer to a command that went well. */
export function isSuccessReply(message: object): message is SuccessReply {
  return 'return' in message;
}

/** True for the answer to a command that failed. */
export function isErrorReply(message: object): message is ErrorReply {
  if (!('error' in message) || typeof message.error !== 'object' || message.error === null) return false;
  const error = message.error;
  return 'class' in error && typeof error.class === 'string' && 'desc' in error && typeof error.desc === 'string';
}

/** True for what QEMU says first on a connection. */
export function isGreeting(message: object): message is Greeting {
  if (!('QMP' in message) || typeof message.QMP !== 'object' || message.QMP === null) return false;
  const { version, capabilities } = message.QMP as {
    version?: Partial<Greeting['QMP']['version']>;
    capabilities?: unknown;
  };
  const qemu = version?.qemu;
  return (
    [qemu?.major, qemu?.minor, qemu?.micro].every((part) => typeof part === 'number') &&
    Array.isArray(capabilities) &&
    capabilities.every((capability) => typeof capability === 'string')
  );
}

/** What a message is by its members; `not-an-event` has an `event` that is no string. */
export type MessageKind = 'event' | 'not-an-event' | 'greeting' | 'reply' | 'unknown';

export function kindOf(message: object): MessageKind {
  if ('event' in message) return typeof message.event === 'string' ? 'event' : 'not-an-event';
  if ('return' in message || 'error' in message) return 'reply';
  return 'QMP' in message ? 'greeting' : 'unknown';
}

/**
 * The time of an event as a `Date`, to the millisecond; an invalid one where QEMU could not read its host's clock, or the
 * server gave no timestamp.
 */
export function timeOf(event: QmpEvent): Date {
  const timestamp = event.timestamp as Partial<Timestamp> | null | undefined;
  const { seconds = NaN, microseconds = NaN } = timestamp ?? {};
  return new Date(seconds < 0 ? NaN : seconds * 1000 + microseconds / 1000);
}
