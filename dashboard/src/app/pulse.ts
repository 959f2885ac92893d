import { DestroyRef, inject, Injectable, signal } from '@angular/core';

/** Milliseconds between two updates of the page, however much happens. */
const PERIOD = 250;

/** When the page shows what is new: at once after a quiet time, else all together at the next beat. */
@Injectable({ providedIn: 'root' })
export class Pulse {
  readonly #beat = signal(0);
  #last = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Grows with each update. Read it where something is read that is no signal itself. */
  readonly beat = this.#beat.asReadonly();

  constructor() {
    inject(DestroyRef).onDestroy(() => {
      clearTimeout(this.#timer);
    });
  }

  /** There is something new. */
  soon(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#last = performance.now();
        this.#beat.update((beat) => beat + 1);
      },
      Math.max(0, this.#last + PERIOD - performance.now()),
    );
  }
}
