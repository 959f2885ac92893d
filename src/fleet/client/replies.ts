import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/nats-core';
import { inboxOf } from '../inbox.js';
import { listen } from '../listen.js';

/** Asks by a subscription of our own: `request()` of the NATS client needs a time-out, and a command may take for ever. */
export class Replies {
  readonly #nats: NatsConnection;
  readonly #asked = new Map<string, (reply: Msg) => void>();
  #inbox = '';
  #subscription: Subscription | undefined;
  #last = 0;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /**
   * Hands each answer to `answered` until the function returned is called; it must be. A message with code 503 says that
   * nobody serves the subject.
   *
   * @throws Error if it is too large for the server, or the connection is closed
   */
  ask(
    subject: string,
    payload: Uint8Array | string,
    headers: MsgHdrs | undefined,
    answered: (reply: Msg) => void,
  ): () => void {
    const inbox = this.#open();
    const id = String(++this.#last);
    this.#asked.set(id, answered);
    try {
      this.#nats.publish(subject, payload, { reply: `${inbox}.${id}`, ...(headers && { headers }) });
    } catch (error) {
      this.#asked.delete(id);
      throw error;
    }
    return () => {
      this.#asked.delete(id);
    };
  }

  end(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#asked.clear();
  }

  #open(): string {
    if (this.#subscription) return this.#inbox;
    this.#inbox = inboxOf(this.#nats);
    this.#subscription = listen(this.#nats, `${this.#inbox}.*`, (reply) => {
      this.#asked.get(reply.subject.slice(this.#inbox.length + 1))?.(reply);
    });
    return this.#inbox;
  }
}
