import { difference, type Entry } from './timeline.js';

type Caller = (...args: never[]) => unknown;

interface Expectation {
  readonly what: string;
  /** Where its `toBe()` stands. */
  origin: Error | undefined;
  checked: boolean;
}

/** Knows which expectations were declared, so that none is forgotten and a failure points at its line. */
export class Expectations {
  readonly #declared: Expectation[] = [];

  /** @returns what to call when it is told what to expect, with the function that the test has called for it */
  declare(what: string): (by: Caller) => void {
    const expectation: Expectation = { what, origin: undefined, checked: false };
    this.#declared.push(expectation);
    return (by) => {
      expectation.origin = originOf(by);
    };
  }

  /** Compares the next one; a TestScheduler asks in the order in which they were declared. */
  check(actual: readonly Entry[], expected: readonly Entry[]): void {
    const expectation = this.#declared.find(({ origin, checked }) => origin && !checked);
    if (expectation) expectation.checked = true;
    const differing = difference(actual, expected);
    if (differing === undefined) return;
    const error = new Error(`what happened (+) is not what was expected (-)\n${differing}`);
    const place = expectation?.origin?.stack?.replace(/^.*\n/, '');
    if (place !== undefined) error.stack = `${error.name}: ${error.message}\n${place}`;
    throw error;
  }

  /** @throws Error if one was declared and not told what to expect */
  checkComplete(): void {
    const number = this.#declared.findIndex(({ origin }) => !origin) + 1;
    if (number === 0) return;
    throw new Error(
      `expectation ${number} of ${this.#declared.length}, ${this.#declared[number - 1]?.what ?? ''}, has neither toBe() nor ` +
        'toEqual(): it would pass whatever happens',
    );
  }
}

/** An error whose stack begins at the caller of the function, where the platform can do that. */
function originOf(by: Caller): Error {
  const origin = new Error();
  const { captureStackTrace } = Error as { captureStackTrace?: (target: object, below: Caller) => void };
  captureStackTrace?.(origin, by);
  return origin;
}
