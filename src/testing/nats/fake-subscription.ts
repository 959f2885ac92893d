import { Subject } from 'rxjs';
import type { Broker } from './broker.js';
import type { NatsMessage } from './message.js';
import { pulled } from './pulled.js';

/** A subscription, in the shape of NATS's `Subscription`. */
export class FakeSubscription implements AsyncIterable<NatsMessage> {
  /** Hears of each message. */
  callback: (error: Error | null, message: NatsMessage) => void;
  /** Resolves once it has ended. */
  readonly closed: Promise<void>;
  readonly #broker: Broker;
  readonly #messages = new Subject<NatsMessage>();
  readonly #ended: (subscription: FakeSubscription) => void;
  #pattern = '';
  #received = 0;
  #leave: (() => void) | undefined;
  #close: () => void = () => undefined;

  /** @internal @param ended is called once it has been taken back */
  constructor(
    broker: Broker,
    pattern: string,
    callback: FakeSubscription['callback'] | undefined,
    ended: (subscription: FakeSubscription) => void,
  ) {
    this.#broker = broker;
    this.#ended = ended;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.callback =
      callback ??
      ((_error, message) => {
        this.#messages.next(message);
      });
    this.move(pattern);
  }

  [Symbol.asyncIterator](): AsyncIterator<NatsMessage> {
    return pulled(this.#messages);
  }

  /** @internal To another subject. */
  move(pattern: string): void {
    this.#leave?.();
    this.#pattern = pattern;
    this.#leave = this.#broker.subscribe({
      pattern,
      deliver: (message) => {
        if (this.#broker.away) return;
        this.#received += 1;
        this.callback(null, message);
      },
    });
  }

  /** Ends it. */
  unsubscribe(): void {
    if (!this.#leave) return;
    this.#leave();
    this.#leave = undefined;
    this.#messages.complete();
    this.#close();
    this.#ended(this);
  }

  /** Ends it. */
  drain(): Promise<void> {
    this.unsubscribe();
    return Promise.resolve();
  }

  /** Never. */
  isDraining(): boolean {
    return false;
  }

  /** Whether it has ended. */
  isClosed(): boolean {
    return this.#leave === undefined;
  }

  /** What it is subscribed to. */
  getSubject(): string {
    return this.#pattern;
  }

  /** Messages so far. */
  getReceived(): number {
    return this.#received;
  }

  /** Messages so far. */
  getProcessed(): number {
    return this.#received;
  }

  /** Always 0. */
  getPending(): number {
    return 0;
  }

  /** Always 0. */
  getID(): number {
    return 0;
  }

  /** There is none. */
  getMax(): undefined {
    return undefined;
  }
}
