import { isEvent, type QmpEvent } from '../../protocol/message.js';
import { isTimeless } from '../event.js';
import { deepEqual } from './deep-equal.js';

/** One thing that a TestScheduler has seen, or was told to expect. */
export interface Moment {
  readonly frame: number;
  readonly notification: { readonly kind: 'N' | 'E' | 'C'; readonly value?: unknown; readonly error?: unknown };
}

export interface SubscriptionSpan {
  readonly subscribedFrame: number;
  readonly unsubscribedFrame: number;
}

export type Entry = Moment | SubscriptionSpan;

/** Says where two timelines differ, expected with `-` and actual with `+`; undefined if they do not. */
export function difference(actual: readonly Entry[], expected: readonly Entry[]): string | undefined {
  const lines: string[] = [];
  let same = actual.length === expected.length;
  for (let index = 0; index < Math.max(actual.length, expected.length); index += 1) {
    const seen = actual[index];
    const wanted = expected[index];
    if (seen && wanted && deepEqual(seen, align(wanted, seen))) {
      lines.push(`  ${describe(seen)}`);
      continue;
    }
    same = false;
    if (wanted) lines.push(`- ${describe(wanted)}`);
    if (seen) lines.push(`+ ${describe(seen)}`);
  }
  return same ? undefined : lines.join('\n');
}

/** What is expected, with what may be anything as it is in what was seen: the time of an event, the error of a class. */
function align(expected: unknown, actual: unknown): unknown {
  if (typeof expected === 'function') {
    return typeof actual === 'object' && actual instanceof expected ? actual : expected;
  }
  if (typeof expected !== 'object' || expected === null) return expected;
  if (isTimeless(expected)) {
    return isNotPrimitive(actual) && isEvent(actual) ? { ...expected, timestamp: actual.timestamp } : expected;
  }
  const other = isNotPrimitive(actual) ? actual : {};
  if (Array.isArray(expected)) return expected.map((item, index) => align(item, other[index]));
  if (!isPlain(expected)) return expected;
  return Object.fromEntries(Object.entries(expected).map(([key, member]) => [key, align(member, other[key])]));
}

function describe(entry: Entry): string {
  if ('subscribedFrame' in entry) {
    const until = entry.unsubscribedFrame === Infinity ? 'to the end' : `to ${entry.unsubscribedFrame}`;
    return `subscribed from ${entry.subscribedFrame} ${until}`;
  }
  const { kind, value, error } = entry.notification;
  const what = kind === 'N' ? show(value) : kind === 'E' ? `error ${show(error)}` : 'complete';
  return `${entry.frame}: ${what}`;
}

function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === 'function') return value.name;
  if (isNotPrimitive(value) && isEvent(value)) return showEvent(value);
  try {
    return JSON.stringify(value, (_key, member: unknown) =>
      isNotPrimitive(member) && isEvent(member)
        ? showEvent(member)
        : typeof member === 'bigint'
          ? `${member}n`
          : member,
    );
  } catch {
    return String(value);
  }
}

function showEvent(event: QmpEvent): string {
  const data = event.data === undefined ? '' : ` ${JSON.stringify(event.data)}`;
  const { seconds, microseconds } = event.timestamp;
  const time = isTimeless(event) ? '' : ` of ${seconds * 1000 + microseconds / 1000} ms`;
  return `${event.event}${data}${time}`;
}

function isNotPrimitive(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
