import { isRecord } from '../foundation/checks.js';
import type { Greeting } from '../protocol/message.js';

/** Of hello; an agent that speaks a later one as well serves both for a release. */
export const PROTOCOL = 1;

/** `epoch.session.beat` of who sends a command: the session it means, and the latest beat it has heard. */
export const TO_HEADER = 'Qmp-To';
/** `i/n`, on each part of a reply that is larger than the server's `max_payload`. They come one after the other. */
export const PART_HEADER = 'Qmp-Part';
/** The user of an agent may answer a command so many times. */
export const PARTS = 100;

/** A reply beyond this is answered with an error. */
export const REPLY_BYTES: number = 16 * 1024 * 1024;

/** After so many beats of silence an agent counts as gone, and a command as too old. */
export const BEATS = 3;

/** The answer to `hello`: where the VM's events stand, counted in the same connection that publishes them. */
export interface Hello {
  readonly protocol: typeof PROTOCOL;
  readonly greeting: Greeting;
  readonly epoch: number;
  readonly session: number;
  readonly n: number;
  /** The latest k of each name. */
  readonly k: Readonly<Record<string, number>>;
  readonly beat: number;
  /** Milliseconds between beats. */
  readonly every: number;
  /** Counts the connections that the agent has lost: what it answered just then may not have arrived. */
  readonly lost?: number;
}

/** The answer to `hello` where there is no session to QEMU. */
export interface Gone {
  readonly protocol: typeof PROTOCOL;
  readonly epoch: number;
  readonly every: number;
  /** Why there is none. */
  readonly gone: string;
}

/** What moved since the beat before: `[session, n, n then, { NAME: [k, k then] }]`; `then` is 0 in a session that began since. */
export type Moved = readonly [
  session: number,
  n: number,
  from: number,
  names: Readonly<Record<string, readonly [k: number, from: number]>>,
];

/** `qmp1.hb.HOST`. Its number is the time since the agent's start, in units of `every`. */
export interface Beat {
  readonly epoch: number;
  readonly beat: number;
  /** The number of the beat before, or of the claim: whoever has not heard it has missed something. */
  readonly after: number;
  readonly every: number;
  /** As in hello. */
  readonly lost?: number;
  /** By VM. */
  readonly moved: Readonly<Record<string, Moved>>;
  /** The agent has ended in good order. */
  readonly stopped?: true;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Of JSON text; `undefined` for what is not an object. */
export function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function readHello(text: string): Hello | Gone | undefined {
  const value = readObject(text);
  if (value?.['protocol'] !== PROTOCOL) return undefined;
  const { greeting, epoch, session, n, k, beat, every, gone } = value;
  if (!isCount(epoch) || !isInterval(every)) return undefined;
  if (typeof gone === 'string') return value as unknown as Gone;
  if (!isRecord(greeting) || ![session, n, beat].every(isCount)) return undefined;
  return isRecord(k) && Object.values(k).every(isCount) ? (value as unknown as Hello) : undefined;
}

export function readBeat(text: string): Beat | undefined {
  const value = readObject(text);
  const { epoch, beat, after, every, moved } = value ?? {};
  if (![epoch, beat, after].every(isCount) || !isInterval(every) || !isRecord(moved)) return undefined;
  return Object.values(moved).every(isMoved) ? (value as unknown as Beat) : undefined;
}

function isInterval(every: unknown): boolean {
  return isCount(every) && every >= 10 && every <= 3_600_000;
}

function isMoved(value: unknown): value is Moved {
  if (!Array.isArray(value)) return false;
  const [session, n, from, names] = value as unknown[];
  return (
    [session, n, from].every(isCount) &&
    isRecord(names) &&
    Object.values(names).every((one) => Array.isArray(one) && one.length === 2 && one.every(isCount))
  );
}

/** An answer to a command, without an id: `{"return":…}`, `{"error":…}`. */
export function errorAnswer(desc: string, errorClass = 'GenericError'): string {
  return `{"error":${JSON.stringify({ class: errorClass, desc })}}`;
}
