import { DestroyRef, inject, Injectable, signal } from '@angular/core';

/** The time as a signal, to the second. */
@Injectable({ providedIn: 'root' })
export class Clock {
  readonly #now = signal(Date.now());
  readonly now = this.#now.asReadonly();

  constructor() {
    const timer = setInterval(() => {
      this.#now.set(Date.now());
    }, 1_000);
    inject(DestroyRef).onDestroy(() => {
      clearInterval(timer);
    });
  }
}
