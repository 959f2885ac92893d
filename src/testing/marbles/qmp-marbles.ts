import { isObservable, map, Observable, Subscription } from 'rxjs';
import { TestScheduler, type RunHelpers } from 'rxjs/testing';
import { EventBus } from '../../bus/event-bus.js';
import type { EventBusOptions } from '../../bus/options.js';
import type { Message, QmpEvent } from '../../protocol/message.js';
import { stamped } from '../event.js';
import { Expectations } from './expectations.js';
import { checkLetters, eventsOf, valuesFor, type MarbleLetters } from './letters.js';
import type { Entry } from './timeline.js';

/** What the letters of a diagram stand for. */
export type MarbleValues<T = unknown> = Readonly<Record<string, T>> | null;

/** What an Observable is expected to do. One of its methods must be called. */
export interface ObservableExpectation {
  /** Letters stand for `values`, else for the events, else for themselves. A class as `error` stands for any error of it. */
  readonly toBe: (marbles: string, values?: MarbleValues, error?: unknown) => void;
  /** Expects the same values at the same frames as of another Observable. */
  readonly toEqual: (other: Observable<unknown>) => void;
}

/** What a marble test works with; besides `bus` and `at` they are those of RxJS's `TestScheduler.run`. */
export interface QmpMarbles extends Pick<RunHelpers, 'flush' | 'time' | 'animate' | 'expectSubscriptions'> {
  /**
   * A bus fed by a hot diagram, its timestamps the frames: `|` closes it in good order, `#` is a loss. Or fed by messages of
   * your own, such as a {@link playback}.
   */
  readonly bus: (source: string | Observable<Message>, options?: EventBusOptions) => EventBus;
  /** A hot Observable that emits as its diagram says: `^` is the subscription. */
  readonly hot: MarbleSource;
  /** A cold Observable that emits as its diagram says, counted from each subscription. */
  readonly cold: MarbleSource;
  /** Does something at a frame, after all that the diagrams say of it: look at a queue, emit from a FakeQemu, unsubscribe. */
  readonly at: (frame: number, action: () => void) => void;
  /** Expects something of an Observable, which is subscribed to at frame 0 or as the `subscription` diagram says. */
  readonly expectObservable: (observable: Observable<unknown>, subscription?: string | null) => ObservableExpectation;
  /** For operators that take one; those that take none are virtual too. Its `now()` is the frame. */
  readonly scheduler: TestScheduler;
}

/** A source of what the letters of a diagram stand for: `values`, else the events, else the letter itself. */
export type MarbleSource = <T = QmpEvent>(
  marbles: string,
  values?: MarbleValues<T>,
  error?: unknown,
) => Observable<T> & SubscriptionLog;

/** An Observable that remembers who subscribed to it. */
export interface SubscriptionLog {
  /** When each subscription began and ended; for `expectSubscriptions`. */
  readonly subscriptions: ReturnType<RunHelpers['hot']>['subscriptions'];
}

/**
 * Runs a test in virtual time, on RxJS's `TestScheduler`: timers of RxJS fire at their frame, a frame is a millisecond, and
 * five seconds pass in no time.
 *
 * ```ts
 * qmpMarbles(
 *   ({ bus, expectObservable }) => {
 *     const vm = bus('      --s---r-s--|');
 *     expectObservable(vm.observe('STOP')).toBe('--s-----s--|');
 *   },
 *   { s: 'STOP', r: 'RESUME' },
 * );
 * ```
 *
 * In an expectation a letter stands for its event at any time. Throws where something else happens, where an expectation has
 * no `toBe()`, and where `run` returns a promise. Afterwards its buses are closed and its subscriptions ended. It needs no
 * test framework: a failure is a plain `Error`.
 */
export function qmpMarbles(run: (marbles: QmpMarbles) => void, letters: MarbleLetters = {}): void {
  const events = eventsOf(letters);
  const expectations = new Expectations();
  const scheduler = new TestScheduler((actual: readonly Entry[], expected: readonly Entry[]) => {
    expectations.check(actual, expected);
  });
  const begun = new Subscription();
  try {
    scheduler.run((helpers) => {
      callAtOnce(run, helpersFor(helpers, scheduler, events, expectations, begun));
    });
    expectations.checkComplete();
  } finally {
    begun.unsubscribe();
  }
}

function helpersFor(
  helpers: RunHelpers,
  scheduler: TestScheduler,
  events: Readonly<Record<string, QmpEvent>>,
  expectations: Expectations,
  begun: Subscription,
): QmpMarbles {
  const { flush, time, animate } = helpers;
  /** Ends with the run, which the subscriptions of a TestScheduler do not. */
  const tracked = (observable: Observable<unknown>): Observable<unknown> =>
    new Observable((subscriber) => {
      begun.add(subscriber);
      return observable.pipe(map((value) => (isObservable(value) ? tracked(value) : value))).subscribe(subscriber);
    });
  return {
    flush,
    time,
    animate,
    scheduler,
    bus: (source, options) => {
      if (typeof source === 'string') checkLetters(source, events);
      const source$ = typeof source === 'string' ? helpers.hot(source, events) : source;
      const vm = new EventBus(source$.pipe(map((message) => stamped(message as QmpEvent, scheduler.now()))), options);
      begun.add(() => {
        vm.close();
      });
      return vm;
    },
    hot: (marbles, values, error) => helpers.hot(marbles, valuesFor(marbles, values, events), error) as never,
    cold: (marbles, values, error) => helpers.cold(marbles, valuesFor(marbles, values, events), error) as never,
    at: (frame, action) => {
      scheduler.schedule(() => {
        // Once more, behind what was scheduled for this frame meanwhile.
        scheduler.schedule(() => {
          callAtOnce(action, undefined);
        });
      }, frame - scheduler.now());
    },
    expectObservable: (observable, subscription) => {
      const told = expectations.declare('expectObservable');
      const expectation = helpers.expectObservable(tracked(observable), subscription ?? null);
      const toBe: ObservableExpectation['toBe'] = (marbles, values, error) => {
        told(toBe);
        expectation.toBe(marbles, valuesFor(marbles, values, events), error);
      };
      const toEqual: ObservableExpectation['toEqual'] = (other) => {
        told(toEqual);
        expectation.toEqual(tracked(other));
      };
      return { toBe, toEqual };
    },
    expectSubscriptions: (logs) => {
      const told = expectations.declare('expectSubscriptions');
      const expectation = helpers.expectSubscriptions(logs);
      const toBe: typeof expectation.toBe = (marbles) => {
        told(toBe);
        expectation.toBe(marbles);
      };
      return { toBe };
    },
  };
}

/** Calls a test's function, which must not wait for anything. */
function callAtOnce<A>(run: (argument: A) => unknown, argument: A): void {
  const result = run(argument);
  if (typeof (result as Partial<PromiseLike<unknown>> | undefined)?.then !== 'function') return;
  (result as PromiseLike<unknown>).then(undefined, () => undefined);
  throw new Error(
    'qmpMarbles: promises are not virtual. What follows an await runs when the virtual time is over. Use Observables ' +
      '(bus.observe(), listener.events$), look at a listener by at(frame, …), or take qmpMarblesAsync().',
  );
}
