import { Observable, type Subscriber } from 'rxjs';

/**
 * A hot Observable together with the methods that feed it, so that only their owner can. Used in place of a Subject, where one
 * subscriber's teardown that throws keeps the others from being served; an Observable around each of them would cure that, at
 * twice the time.
 */
export class HotSource<T> {
  #subscribers: Set<Subscriber<T>> | undefined;
  /** The subscribers as they were when the latest value came; undefined once they changed. */
  #snapshot: readonly Subscriber<T>[] | undefined = NOBODY;
  #ended = false;

  readonly observable: Observable<T> = new Observable<T>((subscriber) => {
    if (this.#ended) {
      subscriber.complete();
      return undefined;
    }
    const subscribers = (this.#subscribers ??= new Set());
    subscribers.add(subscriber);
    this.#snapshot = undefined;
    return () => {
      subscribers.delete(subscriber);
      this.#snapshot = undefined;
    };
  });

  get observed(): boolean {
    return this.#subscribers !== undefined && this.#subscribers.size > 0;
  }

  next(value: T): void {
    const snapshot = (this.#snapshot ??= [...(this.#subscribers ?? NOBODY)]);
    for (const subscriber of snapshot) {
      try {
        subscriber.next(value);
      } catch (error) {
        report(error);
      }
    }
  }

  /** Completes all subscribers, and later ones as soon as they subscribe, until {@link reopen}. */
  end(): void {
    if (this.#ended) return;
    const subscribers = [...(this.#subscribers ?? NOBODY)];
    this.#subscribers = undefined;
    this.#snapshot = NOBODY;
    this.#ended = true;
    for (const subscriber of subscribers) {
      try {
        subscriber.complete();
      } catch (error) {
        report(error);
      }
    }
  }

  reopen(): void {
    this.#ended = false;
  }
}

const NOBODY: readonly never[] = [];

/** RxJS catches what a subscriber throws; only the error of a teardown gets here. It is reported in the way of RxJS, too. */
function report(error: unknown): void {
  new Observable((subscriber) => {
    subscriber.error(error);
  }).subscribe();
}
