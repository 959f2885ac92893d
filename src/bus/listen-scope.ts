/// <reference lib="esnext.disposable" preserve="true" />
import { disposeBy } from '../foundation/disposal.js';

/** Listeners registered together. Leaving it, however often, removes those that are still registered. */
export class ListenScope implements Disposable {
  declare readonly [Symbol.dispose]: () => void;
  #leave: (() => void) | undefined;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Removes those that are still registered. */
  close(): void {
    const leave = this.#leave;
    this.#leave = undefined;
    leave?.();
  }

  /** The same, by the name RxJS uses: `subscription.add(scope)`. */
  unsubscribe(): void {
    this.close();
  }

  static {
    disposeBy(this, 'close', 'dispose');
  }
}
