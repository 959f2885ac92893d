import { whenOver } from '../foundation/abort.js';
import { Ring } from '../foundation/ring.js';
import { EventTimeoutError, LagError, ListenerError, type DisconnectedError } from '../protocol/errors.js';

/** How a listener ended, or how a reader left it: no more events come. */
export interface ListenerEnding {
  /** The reader left its loop; the listener was removed; its bus was closed in good order; the connection was lost. */
  readonly how: 'left' | 'removed' | 'closed' | 'lost';
  /**
   * What `get()` rejects with. After a loss an iteration, or a subscription of `observe()`, fails with it instead of completing.
   */
  readonly error: DisconnectedError | ListenerError;
}

/** How long a read waits. */
export interface ReadOptions {
  /** Gives up after so many milliseconds with an `EventTimeoutError`. @default Infinity */
  readonly timeout?: number;
  /** Gives up when it aborts, with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Reader<E> {
  readonly owner: object | undefined;
  receive(event: E): void;
  finish(ending: ListenerEnding): void;
}

/** More waiting reads than this are a leak in the program that makes them. */
const READER_LIMIT = 10_000;

/** The unread events of one listener and those who wait for the next. */
export class EventQueue<E> {
  readonly #limit: number;
  readonly #tellsReaders: boolean;
  readonly #describe: () => string;
  readonly #unread: Ring<E>;
  readonly #readers = new Set<Reader<E>>();
  #ended = false;
  #lastEnding: ListenerEnding | undefined;
  /** Events that went to waiting readers. */
  #served = 0;
  #dropped = 0;
  /** How many of the dropped events a reader has been told of, or needs not be. */
  #droppedTold = 0;
  /** The largest size before a read or a `clear`. In between the queue only grows, so `put` need not look. */
  #highWater = 0;

  /** @param tellsReaders whether a read rejects with `LagError` after events were dropped */
  constructor(limit: number, tellsReaders: boolean, describe: () => string) {
    this.#limit = limit;
    this.#unread = new Ring(Math.max(1, limit));
    this.#tellsReaders = tellsReaders;
    this.#describe = describe;
  }

  get size(): number {
    return this.#unread.size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** The most unread events there were at a time. */
  get highWater(): number {
    return Math.max(this.#highWater, this.#unread.size);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** How it ended the last time. Outlives {@link reopen}. */
  get lastEnding(): ListenerEnding | undefined {
    return this.#lastEnding;
  }

  /** Hands the event to the longest-waiting reader, or keeps it. True if it took the place of the oldest unread event. */
  put(event: E): boolean {
    if (this.#readers.size > 0) {
      this.#serve(event);
      return false;
    }
    if (this.#limit === 0 || !this.#unread.push(event)) return false;
    this.#dropped += 1;
    return true;
  }

  /**
   * The next event, as `form` makes it.
   *
   * @param atEnd gives the result where no event will come any more, or throws
   * @param owner whose read this is, for {@link release}
   */
  read<R>(
    form: (event: E) => R,
    atEnd: (ending: ListenerEnding) => R,
    { timeout = Infinity, signal }: ReadOptions = {},
    owner?: object,
  ): Promise<R> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#tellsReaders && this.#dropped > this.#droppedTold) return Promise.reject(this.#takeLag());
    if (this.#unread.size > 0) {
      this.#highWater = this.highWater;
      return Promise.resolve(form(this.#unread.shift() as E));
    }
    if (this.#ended && this.#lastEnding) return endedRead(atEnd, this.#lastEnding);
    if (this.#readers.size >= READER_LIMIT) {
      return Promise.reject(
        new ListenerError(
          `${this.#describe()}: ${READER_LIMIT} reads are waiting already; is one started in a loop without await?`,
        ),
      );
    }
    return this.#wait(form, atEnd, timeout, signal, owner);
  }

  /** Ends the waiting reads of one owner as if nothing more would come. */
  release(owner: object, ending: () => ListenerEnding): void {
    for (const reader of this.#readers) if (reader.owner === owner) reader.finish(ending());
  }

  /** Discards what is unread, a lag notice included, and returns it. */
  clear(): E[] {
    this.#highWater = this.highWater;
    const unread = this.#unread.toArray();
    this.#unread.clear();
    this.#droppedTold = this.#dropped;
    return unread;
  }

  /** Ends the waiting reads now, and the later ones once everything is read. */
  end(ending: ListenerEnding): void {
    this.#ended = true;
    this.#lastEnding = ending;
    for (const reader of this.#readers) reader.finish(ending);
  }

  reopen(): void {
    this.#ended = false;
  }

  #serve(event: E): void {
    this.#served += 1;
    const [longestWaiting] = this.#readers;
    longestWaiting?.receive(event);
  }

  #wait<R>(
    form: (event: E) => R,
    atEnd: (ending: ListenerEnding) => R,
    timeout: number,
    signal: AbortSignal | undefined,
    owner: object | undefined,
  ): Promise<R> {
    const servedBefore = this.#served;
    const result = new Promise<R>((resolve, reject) => {
      const leave = (): void => {
        this.#readers.delete(reader);
        stopWaiting();
      };
      const reader: Reader<E> = {
        owner,
        receive: (event) => {
          leave();
          resolve(form(event));
        },
        finish: (ending) => {
          leave();
          resolve(endedRead(atEnd, ending));
          markHandled(result);
        },
      };
      const late = (): Error => this.#timedOut(timeout, this.#served - servedBefore);
      const stopWaiting = whenOver(signal, timeout, late, (reason) => {
        leave();
        reject(reason);
      });
      this.#readers.add(reader);
    });
    return result;
  }

  /** @param others the events accepted meanwhile: they went to readers that had waited longer */
  #timedOut(timeout: number, others: number): EventTimeoutError {
    const went = others > 0 ? `; ${others} accepted meanwhile went to other readers` : '';
    return new EventTimeoutError(`${this.#describe()}: no event within ${timeout} ms${went}`, timeout);
  }

  #takeLag(): LagError {
    const missed = this.#dropped - this.#droppedTold;
    this.#droppedTold = this.#dropped;
    return new LagError(
      `${this.#describe()}: ${missed} unread ${missed === 1 ? 'event was' : 'events were'} dropped; the queue holds ${this.#limit}. ` +
        'Read faster, narrow the names, or raise queueLimit.',
      missed,
    );
  }
}

/** The result of a read after the end. */
export function endedRead<R>(atEnd: (ending: ListenerEnding) => R, ending: ListenerEnding): Promise<R> {
  const result = new Promise<R>((resolve) => {
    resolve(atEnd(ending));
  });
  markHandled(result);
  return result;
}

/** A read that ends with its listener may have nobody awaiting it, and must not end the process for it. */
function markHandled(result: Promise<unknown>): void {
  result.catch(() => undefined);
}
