import { Ring } from './ring.js';

/** The latest `limit` events, oldest first. */
export class History<E> {
  /** Undefined where the limit is 0. */
  readonly #events: Ring<E> | undefined;
  #snapshot: readonly E[] | undefined;

  constructor(limit: number) {
    if (limit > 0) this.#events = new Ring(limit);
  }

  push(event: E): void {
    if (!this.#events) return;
    this.#events.push(event);
    this.#snapshot = undefined;
  }

  /** A frozen array that never changes; the same one until the next event. */
  get snapshot(): readonly E[] {
    return (this.#snapshot ??= Object.freeze(this.#events?.toArray() ?? []));
  }
}
