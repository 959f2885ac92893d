import type { QmpEvent } from '../protocol/message.js';
import { EventListener, lifeOf } from './event-listener.js';
import type { ListenerHost } from './listener-life.js';

/** How full the queues of listeners have been, and what they lost. */
export interface QueueStats {
  /** Unread events lost to the bounds of queues. */
  readonly drops: number;
  /** The most unread events that one queue has held. */
  readonly queueHighWater: number;
}

/** Finds registrations by the names that their listeners want; `null` stands for every name. */
export interface NameTable {
  add(name: string | null, registration: Registration): void;
  remove(name: string | null, registration: Registration): void;
}

/** Takes what a listener threw, or its promise rejected with. */
export type Fault = (error: unknown, event?: QmpEvent) => void;

/** A listener on a bus, from its registration to its removal, and its place in the order of dispatch. */
export class Registration implements ListenerHost {
  readonly bus: { readonly name: string };
  readonly listener: EventListener;
  /** Grows with each registration; no two are the same. */
  readonly order: number;
  readonly fault: Fault;
  readonly #table: NameTable;
  /** True if `accept` is overridden: it is asked about every event, since it may want more than the names say. */
  readonly #asksAlways: boolean;
  readonly #droppedBefore: number;
  #ended = false;

  constructor(bus: { readonly name: string }, listener: EventListener, order: number, fault: Fault, table: NameTable) {
    this.bus = bus;
    this.listener = listener;
    this.order = order;
    this.fault = fault;
    this.#table = table;
    this.#asksAlways = listener.accept !== EventListener.prototype.accept;
    this.#droppedBefore = listener.dropped;
    for (const name of this.#wanted()) table.add(name, this);
  }

  get stats(): QueueStats {
    const { listener } = this;
    return { drops: listener.dropped - this.#droppedBefore, queueHighWater: lifeOf(listener).queue.highWater };
  }

  /** True once the listener was removed. */
  get ended(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    for (const name of this.#wanted()) this.#table.remove(name, this);
  }

  added(name: string): void {
    if (this.#asksAlways) return;
    if (this.listener.names.size === 1) this.#table.remove(null, this);
    this.#table.add(name, this);
  }

  removed(name: string): void {
    if (this.#asksAlways) return;
    this.#table.remove(name, this);
    if (this.listener.names.size === 0) this.#table.add(null, this);
  }

  #wanted(): Iterable<string | null> {
    return this.#asksAlways || this.listener.names.size === 0 ? [null] : this.listener.names;
  }
}
