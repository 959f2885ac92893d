import { endedRead, type Ending, type EventQueue } from './event-queue.js';

/** Reads a queue until it ends. Leaving it settles its waiting reads and takes nothing from the queue. */
export class EventIterator<E> implements AsyncIterableIterator<E> {
  readonly #queue: EventQueue<E>;
  readonly #signal: AbortSignal | undefined;
  readonly #begunAfter: Ending | undefined;
  #left = false;

  constructor(queue: EventQueue<E>, signal: AbortSignal | undefined) {
    this.#queue = queue;
    this.#signal = signal;
    this.#begunAfter = queue.lastEnding;
  }

  next(): Promise<IteratorResult<E, undefined>> {
    if (this.#left) return Promise.resolve({ done: true, value: undefined });
    const atEnd = (ending: Partial<Ending>): IteratorResult<E, undefined> => this.#finish(ending);
    const { ended, lastEnding } = this.#queue;
    // It has ended and was opened anew while nobody waited here: what comes now is for those who begin now.
    if (!ended && lastEnding && lastEnding !== this.#begunAfter) return endedRead(atEnd, lastEnding);
    return this.#queue.read(
      (value): IteratorResult<E, undefined> => ({ done: false, value }),
      atEnd,
      this.#signal ? { signal: this.#signal } : undefined,
      this,
    );
  }

  return(): Promise<IteratorResult<E, undefined>> {
    this.#left = true;
    this.#queue.release(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish({ loss }: Partial<Ending>): IteratorResult<E, undefined> {
    this.#left = true;
    if (loss) throw loss;
    return { done: true, value: undefined };
  }
}
