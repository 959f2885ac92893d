import { Observable, type Subscriber } from 'rxjs';

/**
 * A source that nobody can reach, seen through an Observable. Not a Subject: one subscriber's teardown that throws would keep
 * it from serving the others, and what shields them from each other makes it twice as slow.
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

  /** Completes those who watch, and whoever comes later until {@link reopen}. */
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

/** Only a teardown's error comes here. RxJS reports it as it does what a subscriber throws. */
function report(error: unknown): void {
  new Observable((subscriber) => {
    subscriber.error(error);
  }).subscribe();
}
