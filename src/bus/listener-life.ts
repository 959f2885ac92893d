import { HotSource } from '../foundation/hot-source.js';
import type { ListenerEnding, EventQueue } from './event-queue.js';
import type { NameSet, NameWatcher } from './name-set.js';

/** What a listener knows of the bus it is registered with. */
export interface ListenerHost extends NameWatcher {
  readonly bus: { readonly name: string };
  /** Takes what a promise rejected with that a filter, `accept` or `onLag` returned. */
  readonly fault: (error: unknown) => void;
}

/**
 * Whether a listener has a bus: it is waiting for one, live with one that is open, or ended after it was removed or its bus has
 * closed. Its readers need not tell waiting from live: they wait for the next event in both. Registered again, or revived, it
 * begins again; whoever waited before the end never receives what comes after it.
 */
export class ListenerLife<E> {
  readonly queue: EventQueue<E>;
  readonly view: HotSource<E> = new HotSource();
  readonly #names: NameSet;
  #host: ListenerHost | undefined;
  #loss: Error | undefined;

  constructor(names: NameSet, queue: EventQueue<E>) {
    this.#names = names;
    this.queue = queue;
  }

  get ended(): boolean {
    return this.queue.ended;
  }

  /** The bus it is registered with, as one registration. */
  get host(): ListenerHost | undefined {
    return this.#host;
  }

  /** The loss that has ended it the last time, if it was one. Kept when it is revived, or removed after the end. */
  get loss(): Error | undefined {
    return this.#loss;
  }

  attach(host: ListenerHost): void {
    this.#host = host;
    this.#names.watchedBy(host);
    this.revive();
  }

  /** Returns what was unread. */
  detach(ending: ListenerEnding): E[] {
    const unread = this.queue.clear();
    // First, so that one who watches the end can register the listener again.
    this.#host = undefined;
    this.#names.watchedBy(undefined);
    this.end(ending);
    return unread;
  }

  end(ending: ListenerEnding): void {
    if (!this.ended) this.#loss = ending.how === 'lost' ? ending.error : undefined;
    this.queue.end(ending);
    this.view.end();
  }

  revive(): void {
    this.queue.reopen();
    this.view.reopen();
  }
}
