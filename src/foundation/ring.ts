/** How many empty slots are kept once the items are gone: a burst must not hold its memory for ever. */
const KEPT = 1024;

/**
 * A FIFO on a circular array: `push` and `shift` cost the same however long it is. Grows by doubling, up to its limit; a further
 * `push` takes the place of the oldest item.
 */
export class Ring<T> {
  readonly #limit: number;
  #slots: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  /** @param limit at least 1, Infinity allowed */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** True if it took the place of the oldest item. */
  push(item: T): boolean {
    if (this.#size === this.#limit) {
      this.#slots[this.#head] = item;
      this.#head = this.#after(this.#head);
      return true;
    }
    if (this.#size === this.#slots.length) this.#grow();
    const place = this.#head + this.#size;
    this.#slots[place < this.#slots.length ? place : place - this.#slots.length] = item;
    this.#size += 1;
    return false;
  }

  /** The oldest item, or `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = this.#after(this.#head);
    this.#size -= 1;
    if (this.#size === 0 && this.#slots.length > KEPT) this.clear();
    return item;
  }

  clear(): void {
    if (this.#slots.length > KEPT) this.#slots = [];
    else this.#slots.fill(undefined);
    this.#head = 0;
    this.#size = 0;
  }

  /** The items, oldest first, in an array of the caller's own. */
  toArray(): T[] {
    const fromHead = this.#slots.slice(this.#head, this.#head + this.#size);
    const wrapped = this.#slots.slice(0, this.#size - fromHead.length);
    return fromHead.concat(wrapped) as T[];
  }

  #after(place: number): number {
    return place + 1 < this.#slots.length ? place + 1 : 0;
  }

  #grow(): void {
    const items: (T | undefined)[] = this.toArray();
    items.length = Math.min(Math.max(16, this.#size * 2), this.#limit);
    this.#slots = items.fill(undefined, this.#size);
    this.#head = 0;
  }
}
