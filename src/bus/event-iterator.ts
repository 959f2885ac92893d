import type { Ending, EventQueue } from './event-queue.js';

/** Reads a queue until it ends. Leaving it settles its waiting reads and takes nothing from the queue. */
export class EventIterator<E> implements AsyncIterableIterator<E> {
  readonly #queue: EventQueue<E>;
  readonly #signal: AbortSignal | undefined;
  #left = false;

  constructor(queue: EventQueue<E>, signal: AbortSignal | undefined) {
    this.#queue = queue;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<E, undefined>> {
    if (this.#left) return Promise.resolve({ done: true, value: undefined });
    return this.#queue.read(
      (value): IteratorResult<E, undefined> => ({ done: false, value }),
      (ending) => this.#finish(ending),
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
