/** A FIFO on a circular array: `push` and `shift` cost the same however long it is. Grows by doubling and never shrinks below 16. */
export class Ring<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#resize(Math.max(16, this.#size * 2));
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size += 1;
  }

  /** The oldest item, or `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    // A burst must not hold its memory for ever.
    if (this.#size === 0 && this.#slots.length > 1024) this.clear();
    return item;
  }

  clear(): void {
    this.#slots = [];
    this.#head = 0;
    this.#size = 0;
  }

  /** The items, oldest first, in an array of the caller's own. */
  toArray(): T[] {
    const fromHead = this.#slots.slice(this.#head, this.#head + this.#size);
    const wrapped = this.#slots.slice(0, this.#size - fromHead.length);
    return fromHead.concat(wrapped) as T[];
  }

  #resize(length: number): void {
    const items: (T | undefined)[] = this.toArray();
    items.length = length;
    this.#slots = items.fill(undefined, this.#size);
    this.#head = 0;
  }
}
