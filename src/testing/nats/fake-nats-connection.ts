import { Subject, takeUntil, type Observable } from 'rxjs';
import type { Broker } from './broker.js';
import { FakeSubscription } from './fake-subscription.js';
import type { NatsMessage, NatsPublishOptions } from './message.js';
import { pulled } from './pulled.js';

/** What happens to a connection, as NATS's `status()` tells it. */
export interface FakeNatsStatus {
  /** What has happened. */
  readonly type: 'disconnect' | 'reconnect';
  /** The server it has happened to. */
  readonly server: string;
}

/** How a message is asked for. */
export interface FakeNatsRequest extends NatsPublishOptions {
  /** Milliseconds. @default 1_000 */
  readonly timeout?: number;
}

/** How a subject is subscribed to. */
export interface FakeNatsSubscribe {
  /** Hears of each message; without one they are read by `for await`. */
  readonly callback?: (error: Error | null, message: NatsMessage) => void;
}

/** Of a connection: what is asked of its server is asked here. */
export interface FakeNatsServer {
  readonly broker: Broker;
  readonly status$: Observable<FakeNatsStatus>;
  readonly url: string;
}

/**
 * A connection to a {@link FakeNats}, in the shape of a `NatsConnection` of `@nats-io/nats-core`: give it to a `FleetClient`.
 * What it publishes has reached everybody when `publish` returns.
 */
export class FakeNatsConnection {
  /** A 2.9.10, the oldest server that a fleet works with. */
  readonly info: {
    readonly server_id: string;
    readonly server_name: string;
    readonly version: string;
    readonly go: string;
    readonly host: string;
    readonly port: number;
    readonly proto: number;
    readonly client_id: number;
    readonly headers: boolean;
    readonly jetstream: boolean;
    readonly max_payload: number;
  };
  /** @internal `@nats-io/jetstream` looks at it. */
  readonly options: { readonly inboxPrefix: string };
  /** @internal The same. */
  readonly features: { get(): { ok: boolean; min: string } } = { get: () => ({ ok: true, min: '2.9.10' }) };
  readonly #server: FakeNatsServer;
  readonly #subscriptions = new Set<FakeSubscription>();
  readonly #closeListeners = new Set<{ connectionClosedCallback(): void }>();
  readonly #end = new Subject<void>();
  readonly #whenClosed: Promise<void>;
  #requests = 0;
  #closed = false;
  #resolve: () => void = () => undefined;

  /** @internal */
  constructor(server: FakeNatsServer, id: number) {
    this.#server = server;
    this.#whenClosed = new Promise((resolve) => (this.#resolve = resolve));
    this.options = { inboxPrefix: `_INBOX.${id}` };
    this.info = {
      ...{ server_id: 'fake', server_name: 'fake', version: '2.9.10', go: '', host: '127.0.0.1', port: 4222, proto: 1 },
      ...{ client_id: id, headers: true, jetstream: true, max_payload: 1024 * 1024 },
    };
  }

  /** Resolves once it is closed. */
  closed(): Promise<void> {
    return this.#whenClosed;
  }

  /** Ends its subscriptions. */
  close(): Promise<void> {
    this.#closed = true;
    for (const subscription of [...this.#subscriptions]) subscription.unsubscribe();
    for (const listener of this.#closeListeners) listener.connectionClosedCallback();
    this.#closeListeners.clear();
    this.#end.next();
    this.#resolve();
    return this.#whenClosed;
  }

  /** Closes it. */
  drain(): Promise<void> {
    return this.close();
  }

  /** Whether it is closed. */
  isClosed(): boolean {
    return this.#closed;
  }

  /** Never. */
  isDraining(): boolean {
    return false;
  }

  /** The URL of the server. */
  getServer(): string {
    return this.#server.url;
  }

  /** By `for await` it tells later, as NATS's does; as an Observable, which is what a `FleetClient` takes it for, at once. */
  status(): Observable<FakeNatsStatus> & AsyncIterable<FakeNatsStatus> & { stop(): void } {
    const stopped = new Subject<void>();
    const status$ = this.#server.status$.pipe(takeUntil(stopped), takeUntil(this.#end));
    return Object.assign(status$, {
      [Symbol.asyncIterator]: () => pulled(status$),
      stop: () => {
        stopped.next();
      },
    });
  }

  /** Sends a message. Everybody has it when this returns; while the server is away it is lost. @throws Error once it is closed */
  publish(subject: string, payload: Uint8Array | string = '', options: NatsPublishOptions = {}): void {
    this.#check();
    if (!this.#server.broker.away) this.#server.broker.publish(subject, payload, options);
  }

  /** Sends a message again. */
  publishMessage(message: NatsMessage): void {
    this.publish(message.subject, message.data, message);
  }

  /** Sends the payload of a message to where its answer is expected. False where none is. */
  respondMessage({ reply = '', data, headers }: NatsMessage): boolean {
    if (reply !== '') this.publish(reply, data, headers && { headers });
    return reply !== '';
  }

  /** Hears what is published to a subject, or to those that a pattern matches. */
  subscribe(subject: string, { callback }: FakeNatsSubscribe = {}): FakeSubscription {
    this.#check();
    const subscription = new FakeSubscription(this.#server.broker, subject, callback, (ended) => {
      this.#subscriptions.delete(ended);
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Sends a message and resolves with the first answer. Rejects where nobody is subscribed, or answers in time. */
  async request(
    subject: string,
    payload: Uint8Array | string = '',
    { timeout = 1_000, ...options }: FakeNatsRequest = {},
  ): Promise<NatsMessage> {
    const reply = `${this.options.inboxPrefix}.${++this.#requests}`;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let subscription: FakeSubscription | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`${subject}: no answer within ${timeout} ms`));
        }, timeout);
        subscription = this.subscribe(reply, {
          callback: (_error, answer) => {
            if (answer.headers?.code === 503) reject(new Error(`no responders: '${subject}'`));
            else resolve(answer);
          },
        });
        this.publish(subject, payload, { ...options, reply });
      });
    } finally {
      clearTimeout(timer);
      subscription?.unsubscribe();
    }
  }

  /** Rejects: nothing of rx-qmp needs it. */
  requestMany(): Promise<AsyncIterable<NatsMessage>> {
    return Promise.reject(new Error('a FakeNats has no requestMany()'));
  }

  /** Rejects: see {@link FakeNats.disconnect}. */
  reconnect(): Promise<void> {
    return Promise.reject(new Error('a FakeNats has no reconnect() of one connection'));
  }

  /** Resolves at once: everything has arrived. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves with 0. */
  rtt(): Promise<number> {
    return Promise.resolve(0);
  }

  /** All 0. */
  stats(): { inBytes: number; outBytes: number; inMsgs: number; outMsgs: number } {
    return { inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0 };
  }

  /** @internal As the rest, for `@nats-io/jetstream`. */
  _resub(subscription: FakeSubscription, subject: string): void {
    subscription.move(subject);
  }

  /** @internal */
  addCloseListener(listener: { connectionClosedCallback(): void }): void {
    this.#closeListeners.add(listener);
  }

  /** @internal */
  removeCloseListener(listener: { connectionClosedCallback(): void }): void {
    this.#closeListeners.delete(listener);
  }

  #check(): void {
    if (this.#closed) throw new Error('the connection to the FakeNats is closed');
  }
}
