import { whenAborted } from '../foundation/abort.js';

/** The callers that wait for one outcome. Each may leave by a signal of its own. */
export class ConnectCallers<T> {
  readonly #waiting = new Set<{ resolve(value: T): void; reject(error: unknown): void }>();

  get size(): number {
    return this.#waiting.size;
  }

  /** @param onLeft is called when the caller's signal has freed it */
  join(signal: AbortSignal | undefined, onLeft: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const caller = {
        resolve: (value: T) => {
          stopWatching();
          resolve(value);
        },
        reject: (error: unknown) => {
          stopWatching();
          reject(error);
        },
      };
      this.#waiting.add(caller);
      const stopWatching = whenAborted(signal, (reason) => {
        this.#waiting.delete(caller);
        caller.reject(reason);
        onLeft();
      });
    });
  }

  resolve(value: T): void {
    for (const caller of this.#take()) caller.resolve(value);
  }

  reject(error: unknown): void {
    for (const caller of this.#take()) caller.reject(error);
  }

  #take(): { resolve(value: T): void; reject(error: unknown): void }[] {
    const callers = [...this.#waiting];
    this.#waiting.clear();
    return callers;
  }
}
