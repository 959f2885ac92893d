import { Observable, type Subscriber } from 'rxjs';

type Chunk = Uint8Array | string;

/** Holds what arrives until its one subscriber comes, and from then on passes it on. */
export class SocketInbox {
  #held: ((subscriber: Subscriber<Chunk>) => void)[] = [];
  #subscriber: Subscriber<Chunk> | undefined;

  readonly incoming$: Observable<Chunk> = new Observable<Chunk>((subscriber) => {
    this.#subscriber = subscriber;
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) deliver(subscriber);
  });

  next(chunk: Chunk): void {
    this.#deliver((subscriber) => {
      subscriber.next(chunk);
    });
  }

  error(cause: unknown): void {
    this.#deliver((subscriber) => {
      subscriber.error(cause);
    });
  }

  complete(): void {
    this.#deliver((subscriber) => {
      subscriber.complete();
    });
  }

  #deliver(deliver: (subscriber: Subscriber<Chunk>) => void): void {
    if (this.#subscriber) deliver(this.#subscriber);
    else this.#held.push(deliver);
  }
}
