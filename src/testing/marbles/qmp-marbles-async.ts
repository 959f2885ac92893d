import { from, Subscription, timer, type ObservableInput } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { Expectations } from './expectations.js';
import { valuesFor } from './letters.js';
import type { ObservableExpectation } from './qmp-marbles.js';
import type { Moment } from './timeline.js';

/** What a marble test of things that use promises works with. */
export interface QmpMarblesAsync {
  /**
   * Does something at a frame, after all else of it: let a job go on, emit from a FakeQemu, unsubscribe. It may return a promise,
   * which nobody waits for; the test fails with what it rejects with.
   */
  readonly at: (frame: number, action: () => unknown) => void;
  /**
   * Expects something of an Observable or a promise. It is subscribed to at once, or as the `subscription` diagram says; what
   * shows which commands are sent must stand before the task that sends them.
   */
  readonly expectObservable: (
    source: ObservableInput<unknown>,
    subscription?: string | null,
  ) => Pick<ObservableExpectation, 'toBe'>;
}

/** Reads diagrams as `TestScheduler.run` does: a dash is a millisecond. */
class Diagrams extends TestScheduler {
  static override frameTimeFactor = 1;
}

/**
 * Runs a marble test of what awaits promises, such as a task on the client of a {@link FakeQemu}, in the virtual time of your
 * test framework's fake timers: a frame is a millisecond, and an hour passes in no time. The test is as long as its longest
 * diagram: what comes later is not seen.
 *
 * ```ts
 * jest.useFakeTimers();
 * await qmpMarblesAsync(
 *   (ms) => jest.advanceTimersByTimeAsync(ms),
 *   ({ at, expectObservable }) => {
 *     expectObservable(shutdown(client)).toBe('12s (g|)', { g: 'guest' });
 *     at(12_000, () => fake.emit('SHUTDOWN', { guest: true, reason: 'guest-shutdown' }));
 *   },
 * );
 * ```
 *
 * Rejects where something else happens, where an expectation has no `toBe()`, and where `Date` is not virtual. Afterwards its
 * subscriptions are ended. What needs no promise is tested by {@link qmpMarbles}, without a test framework.
 *
 * @param advance lets virtual time and promises go on by so many milliseconds
 */
export async function qmpMarblesAsync(
  advance: (milliseconds: number) => PromiseLike<unknown>,
  run: (marbles: QmpMarblesAsync) => unknown,
): Promise<void> {
  const start = Date.now();
  const now = (): number => Date.now() - start;
  const expectations = new Expectations();
  const checks: (() => void)[] = [];
  const actions: { readonly frame: number; readonly action: () => unknown }[] = [];
  const failures: unknown[] = [];
  const begun = new Subscription();
  let end = 0;
  const advanceTo = async (frame: number): Promise<void> => {
    await advance(frame - now());
    if (now() === frame) return;
    throw new Error(
      `qmpMarblesAsync: the time is not virtual: it was to be at ${frame} ms and is at ${now()} ms; call ` +
        'jest.useFakeTimers() or vi.useFakeTimers() before, and give their advanceTimersByTimeAsync()',
    );
  };
  try {
    await run({
      at: (frame, action) => {
        actions.push({ frame, action });
      },
      expectObservable: (source, subscription) => {
        const told = expectations.declare('expectObservable');
        const actual = watch(source, subscription ?? null, now, begun);
        const toBe: ObservableExpectation['toBe'] = (marbles, values, error) => {
          told(toBe);
          const expected = momentsOf(marbles, values, error);
          end = Math.max(end, lengthOf(marbles));
          checks.push(() => {
            expectations.check(actual, expected);
          });
        };
        return { toBe };
      },
    });
    expectations.checkComplete();
    for (const { frame, action } of actions.sort((a, b) => a.frame - b.frame)) {
      await advanceTo(frame);
      Promise.resolve(action()).catch((error: unknown) => failures.push(error));
    }
    await advanceTo(Math.max(end, now()));
    if (failures.length > 0) throw failures[0];
    for (const check of checks) check();
  } finally {
    begun.unsubscribe();
  }
}

/** What a source does, with the frame of each; goes on while `begun` does. */
function watch(
  source: ObservableInput<unknown>,
  subscription: string | null,
  now: () => number,
  begun: Subscription,
): readonly Moment[] {
  const seen: Moment[] = [];
  const see = (kind: Moment['notification']['kind'], value?: unknown, error?: unknown): void => {
    seen.push({ frame: now(), notification: { kind, value, error } });
  };
  const watching = new Subscription();
  begun.add(watching);
  const subscribe = (): void => {
    watching.add(
      from(source).subscribe({
        next: (value) => {
          see('N', value);
        },
        error: (error: unknown) => {
          see('E', undefined, error);
        },
        complete: () => {
          see('C');
        },
      }),
    );
  };
  const { subscribedFrame, unsubscribedFrame } = Diagrams.parseMarblesAsSubscriptions(subscription, true);
  // A timer set before those of the source fires before them: `!` wins.
  if (unsubscribedFrame < Infinity) {
    const leaving = timer(unsubscribedFrame).subscribe(() => {
      watching.unsubscribe();
    });
    begun.add(leaving);
  }
  if (subscribedFrame > 0 && subscribedFrame < Infinity) begun.add(timer(subscribedFrame).subscribe(subscribe));
  else subscribe();
  return seen;
}

function momentsOf(marbles: string, values: Parameters<typeof valuesFor>[1], error: unknown): readonly Moment[] {
  return Diagrams.parseMarbles(marbles, valuesFor(marbles, values, {}), error, undefined, true);
}

/** In frames: where an end would stand. */
function lengthOf(marbles: string): number {
  return Diagrams.parseMarbles(`${marbles} |`, undefined, undefined, undefined, true).at(-1)?.frame ?? 0;
}
