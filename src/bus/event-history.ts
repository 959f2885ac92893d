import { Ring } from './ring.js';

/** The latest `limit` events, oldest first. */
export class EventHistory<E> {
  readonly #limit: number;
  readonly #events = new Ring<E>();
  #snapshot: readonly E[] | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(event: E): void {
    if (this.#limit === 0) return;
    if (this.#events.size >= this.#limit) this.#events.shift();
    this.#events.push(event);
    this.#snapshot = undefined;
  }

  /** A frozen array that never changes; the same one until the next event. */
  get snapshot(): readonly E[] {
    return (this.#snapshot ??= Object.freeze(this.#events.toArray()));
  }
}
