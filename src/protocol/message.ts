import type { CommandMap } from './qapi/command-map.js';
import type { EventMap } from './qapi/event-map.js';

/** The name of an event that {@link EventMap} lists. */
export type EventName = keyof EventMap;

/** The name of a command that {@link CommandMap} lists. */
export type CommandName = keyof CommandMap;

/** When QEMU emitted an event, by the host's clock. Both are `-1` where the host's clock failed. */
export interface Timestamp {
  readonly seconds: number;
  readonly microseconds: number;
}

/** What all events have. */
interface EventBase {
  readonly timestamp: Timestamp;
}

interface WithData<N, D> {
  readonly event: N;
  readonly data: D;
}

interface WithOptionalData<N, D> {
  readonly event: N;
  readonly data?: D;
}

/**
 * Stands for the names that no {@link EventMap} lists. A unit type: were it `string`, the union of all events would not narrow
 * by `event.event === 'STOP'`.
 */
declare enum Unlisted {
  Name = '(unlisted)',
}

/** An event of a newer QEMU, or of a vendor's. At run time its `event` is its real name. */
export interface UnlistedEvent extends EventBase, WithOptionalData<Unlisted, unknown> {}

type Listed<N extends EventName> = [EventMap[N]] extends [undefined]
  ? WithOptionalData<N, undefined>
  : undefined extends EventMap[N]
    ? WithOptionalData<N, Exclude<EventMap[N], undefined>>
    : WithData<N, EventMap[N]>;

type EventTable = { [N in EventName]: Listed<N> };

type AnyEvent = EventTable[EventName] | UnlistedEvent;

type Parts<N extends string> = [[EventName] extends [N] ? never : N] extends [never]
  ? AnyEvent
  : N extends EventName
    ? EventTable[N]
    : WithOptionalData<N, unknown>;

/**
 * An event as QEMU sent it: `{ event, timestamp, data? }`. `QmpEvent<'STOP'>` is one kind, `QmpEvent` is any and narrows by
 * `===` and `switch` on `event`. One object serves all listeners, hence deeply readonly.
 */
// An intersection keeps its name where an editor shows it; a conditional type does not.
export type QmpEvent<N extends string = EventName> = EventBase & Parts<N>;

/** What QEMU says first on each connection. */
export interface Greeting {
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
  readonly return: unknown;
  readonly id?: unknown;
}

/** The answer to a command that failed. Without `id` where QEMU could not parse what it read. */
export interface ErrorReply {
  readonly error: { readonly class: string; readonly desc: string };
  readonly id?: unknown;
}

/** One JSON object as it came over the wire. */
export type Message = Greeting | SuccessReply | ErrorReply | QmpEvent;

/** True for events, that is for messages whose `event` is a string. */
export function isEvent(message: object): message is QmpEvent {
  return typeof (message as { readonly event?: unknown }).event === 'string';
}

export function isSuccessReply(message: object): message is SuccessReply {
  return 'return' in message;
}

export function isErrorReply(message: object): message is ErrorReply {
  if (!('error' in message) || typeof message.error !== 'object' || message.error === null) return false;
  const error = message.error;
  return 'class' in error && typeof error.class === 'string' && 'desc' in error && typeof error.desc === 'string';
}

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

/**
 * The time of an event as a `Date`, to the millisecond; an invalid one where QEMU could not read its host's clock, or the
 * server gave no timestamp.
 */
export function timeOf(event: QmpEvent): Date {
  const timestamp = event.timestamp as Partial<Timestamp> | null | undefined;
  const { seconds = NaN, microseconds = NaN } = timestamp ?? {};
  return new Date(seconds < 0 ? NaN : seconds * 1000 + microseconds / 1000);
}
