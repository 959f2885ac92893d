import { observable, type Observable } from 'rxjs';
import { checkFunction, checkLimit, checkTimeout, isThenable } from '../foundation/checks.js';
import type { EventName, QmpEvent } from '../protocol/message.js';
import type { FilterOf } from '../protocol/event-filter.js';
import type { EventNames, KnownNames } from '../protocol/event-names.js';
import { History } from '../foundation/history.js';
import { EventIterator } from './event-iterator.js';
import { EventQueue, type ListenerEnding, type ReadOptions } from './event-queue.js';
import { ListenerLife, type ListenerHost } from './listener-life.js';
import { NameSet, namesOf } from './name-set.js';
import { textOf } from '../foundation/text.js';

/** How much a listener keeps, and what happens when its queue overflows. */
export interface ListenerOptions {
  /**
   * How many unread events are kept; a further one drops the oldest (see {@link LagError}). 0 means no queue: a read then
   * waits for the next event, and what nobody waits for is not counted as dropped.
   * @default 10_000
   */
  readonly queueLimit?: number;
  /** How many of the latest events the history keeps. @default 1_000 */
  readonly historyLimit?: number;
  /** Is called for each event that a full queue drops, with 1; reads then never reject with `LagError`. */
  readonly onLag?: (missed: number) => void;
}

/** The bus's access to what a listener keeps private. */
export let lifeOf: (listener: EventListener) => ListenerLife<QmpEvent>;

/**
 * Hears the events with certain names that pass a filter. What it accepts goes to its history, to its queue (read by
 * {@link get} and iteration, each event once) and to its view {@link events$} (any number of subscribers, each sees all).
 *
 * It hears events while it is registered with an {@link EventBus}. On removal the unread events are discarded, waiting reads
 * end and the view completes; the history stays.
 *
 * ```ts
 * const stops = client.listener('STOP');
 * await client.execute('stop');
 * console.log((await stops.get()).event); // STOP
 * stops.close();
 * ```
 */
export class EventListener<N extends string = EventName, out E = QmpEvent<N>> implements AsyncIterable<E> {
  /** The events that are accepted from now on, hot; takes nothing from the queue. Completes when the listener ends. */
  readonly events$: Observable<E>;
  /** For the compiler alone, never set: from it a function that takes a listener infers its names, those of a subclass too. */
  declare readonly heard?: { of(name: N): void }['of'];
  readonly #names = new NameSet();
  readonly #history: History<E>;
  readonly #queue: EventQueue<E>;
  readonly #life: ListenerLife<E>;
  readonly #onLag: ((missed: number) => void) | undefined;
  #filter: FilterOf<E> | undefined;

  /**
   * @param names one name, several, or none for every event
   * @param eventFilter is asked about events with these names only
   */
  constructor(names?: KnownNames<N>, eventFilter?: FilterOf<QmpEvent<NoInfer<N>>>, options: ListenerOptions = {}) {
    const { queueLimit = 10_000, historyLimit = 1_000, onLag } = options;
    checkLimit('queueLimit', queueLimit);
    checkLimit('historyLimit', historyLimit);
    checkFunction('onLag', onLag);
    this.#history = new History(historyLimit);
    this.#onLag = onLag;
    this.#queue = new EventQueue(queueLimit, onLag === undefined, () => this.#describe());
    this.#life = new ListenerLife(this.#names, this.#queue);
    this.events$ = this.#life.view.observable;
    this.names = (names ?? null) as EventNames;
    this.eventFilter = eventFilter as FilterOf<E> | undefined;
  }

  /** The names it wants; empty means every event. Live: a change counts from the next event on. */
  get names(): Set<string> {
    return this.#names;
  }

  set names(names: string | Iterable<string> | null) {
    const wanted = namesOf(names);
    this.#names.clear();
    for (const name of wanted) this.#names.add(name);
  }

  /** Is asked about events whose name matches. May be replaced at any time. */
  get eventFilter(): FilterOf<E> | undefined {
    return this.#filter;
  }

  set eventFilter(filter: FilterOf<E> | undefined) {
    checkFunction('eventFilter', filter);
    this.#filter = filter;
  }

  /** The latest accepted events, oldest first, read or not. Frozen, and the same array until the next event. */
  get history(): readonly E[] {
    return this.#history.snapshot;
  }

  /** The number of unread events. */
  get size(): number {
    return this.#queue.size;
  }

  /** How many unread events the full queue has dropped, ever. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** True if nothing is unread. */
  empty(): boolean {
    return this.#queue.size === 0;
  }

  /**
   * Decides whether an event is heard: the names first, then the filter. Override it to widen or narrow; a bus then asks about
   * every event instead of those with the right names.
   */
  accept(event: QmpEvent): boolean {
    if (!this.#names.wants(event.event)) return false;
    return this.#filter === undefined || this.#passes(this.#filter, event as E);
  }

  /**
   * Offers one event, as the bus does; true if it was accepted. By hand it serves for synthetic events, throws what the filter
   * throws, and is refused by a listener that has ended.
   */
  put(event: QmpEvent): boolean {
    if (this.#queue.ended) return false;
    const { host } = this.#life;
    const verdict: unknown = this.accept(event);
    if (isThenable(verdict)) throw this.#refuse('accept', verdict);
    // The filter may have removed the listener, and even registered it again: then this event is not for it.
    if (!verdict || !this.#isStill(host)) return false;
    this.#history.push(event as E);
    if (this.#queue.put(event as E)) this.#showWithLag(event as E);
    else this.#life.view.next(event as E);
    return true;
  }

  /**
   * The oldest unread event, or the next one to come.
   *
   * Rejects with `LagError` once after events were dropped, with `EventTimeoutError`, with the signal's reason, with
   * `ListenerError` when the listener is removed and with `DisconnectedError` when its bus has closed and all is read.
   */
  get(options: ReadOptions = {}): Promise<E> {
    if (options.timeout !== undefined) checkTimeout('timeout', options.timeout);
    return this.#queue.read((event) => event, rejectAtEnd, options);
  }

  /** Discards the unread events, a pending lag notice included, and returns them. The history stays. */
  clear(): E[] {
    return this.#queue.clear();
  }

  /**
   * Reads the queue as {@link get} does. Ends when the listener is removed or its bus closes in good order, throws
   * `DisconnectedError` after a loss; leaving the loop closes nothing, and a later one goes on.
   */
  iterate(options: Pick<ReadOptions, 'signal'> = {}): AsyncIterableIterator<E> {
    return new EventIterator(this.#queue, options.signal);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<E> {
    return this.iterate();
  }

  /** Its names, whether it filters, and how many events are unread. */
  toString(): string {
    const names = [...this.#names].join(', ') || 'every event';
    return `${this.constructor.name}(${names}${this.#filter ? ', filtered' : ''}; ${this.size} unread)`;
  }

  #passes(filter: FilterOf<E>, event: E): boolean {
    const verdict = filter(event);
    if (isThenable(verdict)) throw this.#refuse('the filter', verdict);
    return Boolean(verdict);
  }

  #isStill(host: ListenerHost | undefined): boolean {
    return !this.#queue.ended && this.#life.host === host;
  }

  #describe(): string {
    return `${this.#life.host?.bus.name ?? 'not registered'}: ${textOf(this)}`;
  }

  /** The error for a promise in place of an answer, which would count as a yes. What the promise rejects with is reported too. */
  #refuse(who: string, promise: PromiseLike<unknown>): TypeError {
    const { host } = this.#life;
    promise.then(undefined, (error: unknown) => host?.fault(error));
    return new TypeError(`${who} returned a promise; it must decide at once`);
  }

  /** Tells `onLag` of the event dropped for this one, which reaches the view even if `onLag` throws. */
  #showWithLag(event: E): void {
    try {
      const result: unknown = this.#onLag?.(1);
      const { host } = this.#life;
      if (isThenable(result) && host) result.then(undefined, host.fault);
    } finally {
      this.#life.view.next(event);
    }
  }

  static {
    // RxJS takes an object with this method as an Observable; without it `from(listener)` would read the queue.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the very key that this RxJS looks for, polyfilled or not
    Object.defineProperty(this.prototype, observable, {
      value(this: EventListener) {
        return this.events$;
      },
    });
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: EventListener) {
        return this.toString();
      },
    });

    lifeOf = (listener) => listener.#life;
  }
}

function rejectAtEnd({ error }: ListenerEnding): never {
  throw error;
}
