import { Ring } from './ring.js';

/**
 * Handles items one after the other, in the order they came: what is pushed while one is being handled waits for its turn.
 * Without it, an event emitted by a subscriber would reach the later subscribers before the event they are waiting for.
 */
export class DeliveryQueue<T> {
  readonly #handle: (item: T) => void;
  readonly #waiting = new Ring<T>(Infinity);
  #busy = false;

  /** @param handle must not throw. */
  constructor(handle: (item: T) => void) {
    this.#handle = handle;
  }

  /** True while an item is being handled: what is pushed now has to wait. */
  get busy(): boolean {
    return this.#busy;
  }

  push(item: T): void {
    if (this.#busy) {
      this.#waiting.push(item);
      return;
    }
    this.#busy = true;
    this.#handle(item);
    while (this.#waiting.size > 0) this.#handle(this.#waiting.shift() as T);
    this.#busy = false;
  }
}
