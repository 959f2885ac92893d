import { Observable, type Subscriber } from 'rxjs';
import { DeliveryQueue } from '../foundation/delivery-queue.js';
import type { Connection } from '../transport/connection.js';

type Output = string | Uint8Array | Ending;

class Ending {
  constructor(
    readonly failed: boolean,
    readonly cause?: unknown,
  ) {}
}

/** Both ends of a connection in memory. What is written before the client subscribes, or before anybody serves it, is held. */
export class FakeConnection implements Connection {
  readonly incoming$: Observable<string | Uint8Array>;
  readonly #held: Output[] = [];
  readonly #chunkSize: number;
  // A client may answer from inside `next`: the rest of a message that is cut in pieces comes before the answer to that.
  readonly #output = new DeliveryQueue<Output>((item) => {
    this.#deliver(item);
  });
  readonly #onClosed: () => void;
  readonly #unserved: string[] = [];
  readonly #decoder = new TextDecoder();
  #receive: ((text: string) => void) | undefined;
  #subscriber: Subscriber<string | Uint8Array> | undefined;
  #closed = false;

  /**
   * @param chunkSize how many bytes arrive together; Infinity for whole messages
   * @param onClosed is called when the client closes it
   */
  constructor(chunkSize: number, onClosed: () => void) {
    this.#chunkSize = chunkSize;
    this.#onClosed = onClosed;
    this.incoming$ = new Observable((subscriber) => {
      this.#subscriber = subscriber;
      for (const item of this.#held.splice(0)) this.#output.push(item);
    });
  }

  send(data: string | Uint8Array): void {
    if (this.#closed) return;
    const text = typeof data === 'string' ? data : this.#decoder.decode(data, { stream: true });
    if (this.#receive) this.#receive(text);
    else this.#unserved.push(text);
  }

  close(): void {
    if (this.#closed) return;
    this.#finish(new Ending(false));
    this.#onClosed();
  }

  /** Says who takes what the client sends. */
  serveBy(receive: (text: string) => void): void {
    this.#receive = receive;
    for (const text of this.#unserved.splice(0)) receive(text);
  }

  write(data: string | Uint8Array): void {
    if (this.#closed) return;
    if (this.#chunkSize === Infinity) {
      this.#put(data);
      return;
    }
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    for (let from = 0; from < bytes.length; from += this.#chunkSize) {
      this.#put(bytes.slice(from, from + this.#chunkSize));
    }
  }

  /** Closes it in good order. */
  end(): void {
    this.#finish(new Ending(false));
  }

  /** Breaks it. */
  fail(cause: unknown): void {
    this.#finish(new Ending(true, cause));
  }

  #finish(ending: Ending): void {
    if (this.#closed) return;
    this.#put(ending);
    this.#closed = true;
  }

  #put(item: Output): void {
    if (this.#subscriber) this.#output.push(item);
    else this.#held.push(item);
  }

  #deliver(item: Output): void {
    if (!(item instanceof Ending)) this.#subscriber?.next(item);
    else if (item.failed) this.#subscriber?.error(item.cause);
    else this.#subscriber?.complete();
  }
}
