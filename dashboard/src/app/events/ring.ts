/** The latest `limit` values, oldest first. */
export class Ring<T> {
  readonly #limit: number;
  #values: T[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(value: T): void {
    this.#values.push(value);
    // Cut once in a while, which is cheaper than a shift for each.
    if (this.#values.length >= 1.1 * this.#limit) this.#values = this.#values.slice(-this.#limit);
  }

  clear(): void {
    this.#values = [];
  }

  snapshot(): readonly T[] {
    return this.#values.slice(-this.#limit);
  }
}
