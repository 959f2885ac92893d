/** What a heartbeat does when nothing is heard. */
export interface HeartbeatHost {
  /** Asks for a sign of life, unless an answer is due anyway. */
  ask(): void;
  /** Nothing came after that either. */
  silent(): void;
}

/** Notices a connection that has broken without an end: nothing is heard on it. Any byte counts. */
export class Heartbeat {
  readonly #interval: number;
  readonly #host: HeartbeatHost;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #asked = false;

  /** @param interval milliseconds of silence after which it asks, and after which it gives up; Infinity for never */
  constructor(interval: number, host: HeartbeatHost) {
    this.#interval = interval;
    this.#host = host;
  }

  start(): void {
    if (this.#interval === Infinity) return;
    this.heard();
    this.#wait(this.#interval);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Something came. */
  heard(): void {
    if (this.#interval === Infinity) return;
    this.#heardAt = performance.now();
    this.#asked = false;
  }

  #wait(time: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#heardAt + this.#interval - performance.now();
      if (this.#asked) {
        this.#host.silent();
      } else if (left > 1) {
        this.#wait(left);
      } else {
        // Before it asks: the answer may come while `ask` runs.
        this.#asked = true;
        this.#wait(this.#interval);
        this.#host.ask();
      }
    }, time);
  }
}
