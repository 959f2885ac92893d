import { DeliveryQueue } from '../../foundation/delivery-queue.js';
import { matches } from '../../fleet/subjects.js';
import { FakeHeaders, messageOf, type NatsMessage, type NatsPublishOptions } from './message.js';

/** One subscription. */
export interface Receiver {
  /** The subjects it is for. */
  readonly pattern: string;
  deliver(message: NatsMessage): void;
}

/**
 * Takes messages to who is subscribed, at once: all have them when `publish` returns. One that is published from inside a
 * delivery comes after it, so that all see one order.
 */
export class Broker {
  /** While the server is away: connections hear nothing, and what they publish is lost, as in the client of NATS. */
  away = false;
  readonly #receivers = new Set<Receiver>();
  readonly #watchers: (() => void)[] = [];
  readonly #deliveries = new DeliveryQueue<() => void>((deliver) => {
    deliver();
  });

  publish(subject: string, payload: Uint8Array | string, options: NatsPublishOptions = {}): void {
    const message = this.message(subject, payload, options);
    this.#deliveries.push(() => {
      const reached = this.#take(subject, message);
      if (reached || !options.reply) return;
      this.publish(options.reply, '', { headers: new FakeHeaders({}, 503, 'No Responders') });
    });
  }

  /** Delivers a message under its own subject to who is subscribed to another: what a consumer of a stream does. */
  deliver(to: string, message: NatsMessage): void {
    this.#deliveries.push(() => {
      this.#take(to, message);
    });
  }

  message(subject: string, payload: Uint8Array | string, options: NatsPublishOptions): NatsMessage {
    return messageOf(subject, payload, options, (...answer) => {
      this.publish(...answer);
    });
  }

  /** Whether anybody would have it. */
  isHeard(subject: string): boolean {
    return [...this.#receivers].some(({ pattern }) => matches(pattern, subject));
  }

  /** The function returned takes it back. */
  subscribe(receiver: Receiver): () => void {
    this.#receivers.add(receiver);
    for (const watcher of this.#watchers) watcher();
    return () => this.#receivers.delete(receiver);
  }

  /** @param changed is called for each new subscription */
  watch(changed: () => void): void {
    this.#watchers.push(changed);
  }

  #take(subject: string, message: NatsMessage): boolean {
    const reached = [...this.#receivers].filter(({ pattern }) => matches(pattern, subject));
    for (const receiver of reached) {
      if (!this.#receivers.has(receiver)) continue; // left while the others were served
      try {
        receiver.deliver(message);
      } catch (error) {
        // Of one subscriber, which is no business of the others.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return reached.length > 0;
  }
}
