interface Second {
  since: number;
  admitted: number;
  suppressed: number;
}

/** Admits a number of things of each kind in a second, and counts the others. It looks at the clock when asked; there is no timer. */
export class NoiseLimit<K extends string> {
  readonly #limit: number;
  readonly #seconds = new Map<K, Second>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get kinds(): Iterable<K> {
    return this.#seconds.keys();
  }

  admits(kind: K): boolean {
    const now = performance.now();
    const second = this.#seconds.get(kind) ?? { since: now, admitted: 0, suppressed: 0 };
    this.#seconds.set(kind, second);
    if (now - second.since >= 1_000) {
      second.since = now;
      second.admitted = 0;
    }
    if (second.admitted < this.#limit) {
      second.admitted += 1;
      return true;
    }
    second.suppressed += 1;
    return false;
  }

  /** How many were not admitted since this was last called. */
  takeSuppressed(kind: K): number {
    const second = this.#seconds.get(kind);
    const count = second?.suppressed ?? 0;
    if (second) second.suppressed = 0;
    return count;
  }
}
