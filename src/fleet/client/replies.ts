import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/nats-core';
import { inboxOf } from '../inbox.js';
import { listen } from '../listen.js';

/** Asks by a subscription of our own: `request()` of the NATS client needs a time-out, and a command may take for ever. */
export class Replies {
  readonly #nats: NatsConnection;
  readonly #asked = new Map<string, (reply: Msg) => void>();
  readonly #inbox: string;
  #subscription: Subscription | undefined;
  #last = 0;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
    this.#inbox = inboxOf(nats);
  }

  /** What it subscribes to. */
  get pattern(): string {
    return `${this.#inbox}.*`;
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
    this.#open();
    const id = String(++this.#last);
    this.#asked.set(id, answered);
    try {
      this.#nats.publish(subject, payload, { reply: `${this.#inbox}.${id}`, ...(headers && { headers }) });
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

  /** Again, where the server has refused it before. */
  #open(): void {
    if (this.#subscription?.isClosed() === false) return;
    this.#subscription = listen(this.#nats, this.pattern, (reply) => {
      this.#asked.get(reply.subject.slice(this.#inbox.length + 1))?.(reply);
    });
  }
}
