import { isEvent, type EventName, type QmpEvent, type Timestamp } from '../protocol/message.js';
import type { KnownName, OpenName } from '../protocol/event-names.js';
import type { EventMap } from '../protocol/qapi/event-map.js';

/** The data of an event; `unknown` for an event that the `EventMap` does not list. */
export type DataOf<N extends string> = N extends EventName ? EventMap[N] : unknown;

/** What follows an event's name: its data, required where the event has some. */
export type EventData<N extends string> = undefined extends DataOf<N> ? [data?: DataOf<N>] : [data: DataOf<N>];

const START: Timestamp = { seconds: 0, microseconds: 0 };

/** The events built without a time: where they are sent they get the time of the moment. */
const timeless = new WeakSet();

/**
 * An event as QEMU sends it, checked against the `EventMap`.
 *
 * ```ts
 * event('STOP');
 * event('JOB_STATUS_CHANGE', { id: 'backup0', status: 'concluded' });
 * ```
 *
 * Its timestamp is 0. Fed to a bus of {@link qmpMarbles} it gets the time of its frame; expected there, it stands for the
 * event at any time. Use {@link eventAt} where the time matters.
 */
export function event<const N extends EventName | OpenName>(
  name: KnownName<N>,
  ...[data]: EventData<N>
): QmpEvent<NoInfer<N>> {
  const built = withTime(name, data, START);
  timeless.add(built);
  return built as QmpEvent<N>;
}

/**
 * The same, emitted at a certain time.
 *
 * @param ms milliseconds since 1970, or since the start of a virtual time
 */
export function eventAt<const N extends EventName | OpenName>(
  ms: number,
  name: KnownName<N>,
  ...[data]: EventData<N>
): QmpEvent<NoInfer<N>> {
  return withTime(name, data, timestampOf(ms)) as QmpEvent<N>;
}

/** The event with the time given, unless it was built with one of its own. */
export function stamped(one: QmpEvent, ms: number): QmpEvent {
  return timeless.has(one) ? { ...one, timestamp: timestampOf(ms) } : one;
}

/** True for an event that was built without a time. */
export function isTimeless(value: object): value is QmpEvent {
  return timeless.has(value) && isEvent(value);
}

export function timestampOf(ms: number): Timestamp {
  const microseconds = Math.round(ms * 1000);
  return { seconds: Math.floor(microseconds / 1e6), microseconds: microseconds % 1e6 };
}

/** In the order of QEMU's own messages. */
export function withTime(name: string, data: unknown, timestamp: Timestamp): QmpEvent {
  const built: object = { timestamp, event: name, ...(data !== undefined && { data }) };
  return built as QmpEvent;
}
