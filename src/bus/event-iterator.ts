import { ListenerError } from '../protocol/errors.js';
import { endedRead, type EventQueue, type ListenerEnding, type ReadOptions } from './event-queue.js';

/** Reads a queue until it ends. Leaving it settles its waiting reads and takes nothing from the queue. */
export class EventIterator<E> implements AsyncIterableIterator<E> {
  readonly #queue: EventQueue<E>;
  readonly #options: ReadOptions;
  readonly #begunAfter: ListenerEnding | undefined;
  // Made once instead of for each event: a burst has hundreds of thousands.
  readonly #atEnd = (ending: ListenerEnding): IteratorResult<E, undefined> => this.#finish(ending);
  #ended = false;

  constructor(queue: EventQueue<E>, signal: AbortSignal | undefined) {
    this.#queue = queue;
    this.#options = signal ? { signal } : {};
    this.#begunAfter = queue.lastEnding;
  }

  next(): Promise<IteratorResult<E, undefined>> {
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    const { ended, lastEnding } = this.#queue;
    // The queue has ended and begun again since this loop's last read. The loop is over, too: new events are for new loops.
    if (!ended && lastEnding && lastEnding !== this.#begunAfter) return endedRead(this.#atEnd, lastEnding);
    return this.#queue.read<IteratorResult<E, undefined>>(resultOf, this.#atEnd, this.#options, this);
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

function resultOf<E>(value: E): IteratorResult<E, undefined> {
  return { done: false, value };
}
