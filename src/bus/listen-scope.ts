/// <reference lib="esnext.disposable" preserve="true" />
import { disposeBy } from '../foundation/disposal.js';

/** Listeners that were registered together. Closing it removes those that are still registered; closing it again does nothing. */
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

  /** The same as {@link close}, for RxJS: `subscription.add(scope)`. */
  unsubscribe(): void {
    this.close();
  }

  static {
    disposeBy(this, 'close', 'dispose');
  }
}
