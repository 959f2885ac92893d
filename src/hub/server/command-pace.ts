/** Milliseconds over which commands are counted. */
const PERIOD = 1_000;

/** Counts the commands of one client, and says how long it has to wait when they are too many. */
export class CommandPace {
  readonly #perSecond: number;
  #begun = -Infinity;
  #taken = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Milliseconds until the next command may be taken. */
  get wait(): number {
    const now = performance.now();
    if (now - this.#begun >= PERIOD) {
      this.#begun = now;
      this.#taken = 0;
    }
    return this.#taken < this.#perSecond ? 0 : this.#begun + PERIOD - now;
  }

  took(): void {
    this.#taken += 1;
  }
}
