import { ListenerError } from '../protocol/errors.js';
import { endedRead, type ListenerEnding, type EventQueue } from './event-queue.js';

/** Reads a queue until it ends. Leaving it settles its waiting reads and takes nothing from the queue. */
export class EventIterator<E> implements AsyncIterableIterator<E> {
  readonly #queue: EventQueue<E>;
  readonly #signal: AbortSignal | undefined;
  readonly #begunAfter: ListenerEnding | undefined;
  #ended = false;

  constructor(queue: EventQueue<E>, signal: AbortSignal | undefined) {
    this.#queue = queue;
    this.#signal = signal;
    this.#begunAfter = queue.lastEnding;
  }

  next(): Promise<IteratorResult<E, undefined>> {
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    const atEnd = (ending: ListenerEnding): IteratorResult<E, undefined> => this.#finish(ending);
    const { ended, lastEnding } = this.#queue;
    // It has ended and was opened again while nobody waited here: what comes now is for those who begin now.
    if (!ended && lastEnding && lastEnding !== this.#begunAfter) return endedRead(atEnd, lastEnding);
    return this.#queue.read(
      (value): IteratorResult<E, undefined> => ({ done: false, value }),
      atEnd,
      this.#signal ? { signal: this.#signal } : undefined,
      this,
    );
  }

  return(): Promise<IteratorResult<E, undefined>> {
    this.#ended = true;
    this.#queue.release(this, () => ({ how: 'left', error: new ListenerError('the loop was left') }));
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish({ how, error }: ListenerEnding): IteratorResult<E, undefined> {
    this.#ended = true;
    if (how === 'lost') throw error;
    return { done: true, value: undefined };
  }
}
