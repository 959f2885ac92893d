import { from, type Subscription } from 'rxjs';
import type { NatsConnection, Status } from '@nats-io/nats-core';
import { whenAborted } from '../foundation/abort.js';
import { DisconnectedError } from '../protocol/errors.js';

export interface NatsWatcher {
  disconnected?(): void;
  /** Connected again: subscriptions are there already, what was published meanwhile is lost. */
  reconnected?(): void;
  /** The server refused to publish to the subject. */
  denied?(subject: string): void;
  /** The server refused a subscription. */
  unsubscribed?(subject: string): void;
  /** For good: by the program, or because the client gave up. */
  closed?(cause: Error | undefined): void;
}

/** The states of one connection, told to any number of watchers in the order they happen. */
export class NatsStatus {
  readonly nats: NatsConnection;
  readonly #watchers = new Set<NatsWatcher>();
  readonly #statuses: AsyncIterable<Status>;
  readonly #subscription: Subscription;
  #connected: boolean;
  #closed = false;

  constructor(nats: NatsConnection) {
    this.nats = nats;
    this.#statuses = nats.status();
    this.#closed = nats.isClosed();
    // It may be looking for a server just now; the type does not say so, the object does.
    const { protocol } = nats as NatsConnection & { readonly protocol?: { readonly connected?: boolean } };
    this.#connected = protocol?.connected ?? nats.info !== undefined;
    this.#subscription = from(this.#statuses).subscribe((status) => {
      if (status.type === 'disconnect') this.#enter(false);
      else if (status.type === 'reconnect') this.#enter(true);
      else if (status.type === 'error') this.#refused(status.error);
    });
    void nats.closed().then((cause) => {
      this.#close(cause instanceof Error ? cause : undefined);
    });
  }

  /** Whether what is published now is sent. */
  get connected(): boolean {
    return this.#connected && !this.#closed && !this.nats.isClosed();
  }

  get closed(): boolean {
    return this.#closed || this.nats.isClosed();
  }

  /** The function returned takes it back. */
  watch(watcher: NatsWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Resolves once it is connected; rejects with the signal's reason, or once it is closed for good. */
  async up(signal: AbortSignal): Promise<void> {
    if (this.connected) return;
    await new Promise<void>((resolve, reject) => {
      const ends: (() => void)[] = [];
      const settle = (error?: Error): void => {
        for (const end of ends) end();
        if (error) reject(error);
        else resolve();
      };
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (this.closed) {
        reject(new DisconnectedError('the connection to NATS is closed'));
        return;
      }
      ends.push(
        whenAborted(signal, () => {
          settle(signal.reason as Error);
        }),
        this.watch({
          reconnected: settle,
          closed: () => {
            settle(new DisconnectedError('the connection to NATS is closed'));
          },
        }),
      );
    });
  }

  /** Stops to watch; the connection is its owner's. */
  end(): void {
    this.#watchers.clear();
    this.#subscription.unsubscribe();
    // Its queue would hold the iterator for ever.
    (this.#statuses as { stop?(): void }).stop?.();
  }

  #enter(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const watcher of [...this.#watchers]) {
      if (connected) watcher.reconnected?.();
      else watcher.disconnected?.();
    }
  }

  #refused(error: Error): void {
    const { name, operation, subject } = error as Error & { operation?: unknown; subject?: unknown };
    if (name !== 'PermissionViolationError' || typeof subject !== 'string') return;
    for (const watcher of [...this.#watchers]) {
      if (operation === 'publish') watcher.denied?.(subject);
      else watcher.unsubscribed?.(subject);
    }
  }

  #close(cause: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const watcher of [...this.#watchers]) watcher.closed?.(cause);
  }
}
