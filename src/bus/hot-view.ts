import { Observable, Subject } from 'rxjs';

/** What is used of a Subject. The class itself holds observers, which would make a view's type invariant. */
interface HotSource<T> extends Observable<T> {
  readonly observed: boolean;
  next(value: T): void;
  complete(): void;
}

/**
 * A Subject that nobody can reach, seen through an Observable that shields its subscribers from each other. The Subject is
 * made when somebody first subscribes: most listeners are never looked at this way.
 */
export class HotView<T> {
  #subject: HotSource<T> | undefined;
  #ended = false;
  #loss: Error | undefined;

  readonly observable: Observable<T> = new Observable<T>((subscriber) => {
    if (this.#ended) {
      subscriber.complete();
      return undefined;
    }
    this.#subject ??= new Subject<T>();
    // A plain observer in between, not the subscriber itself: what its teardown throws is then reported by RxJS and does not
    // keep the Subject from serving the others.
    return this.#subject.subscribe({
      next: (value) => {
        subscriber.next(value);
      },
      complete: () => {
        subscriber.complete();
      },
    });
  });

  get observed(): boolean {
    return this.#subject?.observed ?? false;
  }

  /** What the last {@link end} was due to. Outlives {@link reopen}: one who is told of the end may open the view anew. */
  get loss(): Error | undefined {
    return this.#loss;
  }

  next(value: T): void {
    this.#subject?.next(value);
  }

  /** Completes those who watch, and whoever comes later until {@link reopen}. */
  end(loss?: Error): void {
    if (this.#ended) return;
    const subject = this.#subject;
    this.#subject = undefined;
    this.#ended = true;
    this.#loss = loss;
    subject?.complete();
  }

  reopen(): void {
    this.#ended = false;
  }
}
