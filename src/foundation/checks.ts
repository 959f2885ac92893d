import { show } from './text.js';

/** The largest delay a timer takes: one millisecond more and it fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @throws TypeError | RangeError unless `value` is a time in milliseconds that a timer can wait, from `least`, or Infinity. */
export function checkTimeout(argument: string, value: unknown, least = 0): void {
  if (typeof value !== 'number') {
    throw new TypeError(`${argument} must be a number of milliseconds, not ${show(value)}`);
  }
  if (value === Infinity || (value >= least && value <= LONGEST_TIMER)) return;
  throw new RangeError(`${argument} must be between ${least} and ${LONGEST_TIMER} ms, or Infinity; it is ${value}`);
}

/** @throws TypeError | RangeError unless `value` is a whole number from `least`, or Infinity. */
export function checkLimit(argument: string, value: unknown, least = 0): void {
  if (typeof value !== 'number') throw new TypeError(`${argument} must be a number, not ${show(value)}`);
  if (value === Infinity || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${argument} must be a whole number from ${least}, or Infinity; it is ${value}`);
}

/** @throws TypeError unless `value` is a function or undefined. */
export function checkFunction(argument: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') {
    throw new TypeError(`${argument} must be a function, not ${show(value)}`);
  }
}

/** @throws TypeError unless `value` is an `AbortSignal`, of whatever realm, or undefined. */
export function checkSignal(argument: string, value: unknown): void {
  if (value === undefined) return;
  const isSignal = typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
  if (!isSignal) {
    throw new TypeError(`${argument} must be an AbortSignal, not ${show(value)}`);
  }
}

/** True for what JSON calls an object: no array, and not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for promises and other thenables: as the answer of a filter, one would be truthy whatever it resolves with. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
