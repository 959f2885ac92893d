import { ListenerError } from '../protocol/errors.js';
import type { QmpEvent } from '../protocol/message.js';
import { EventListener, internals, type Registration } from './event-listener.js';
import { Route, Routes } from './routes.js';
import { textOf } from '../foundation/text.js';

/** What became of unread events. */
export interface QueueStats {
  /** Unread events lost to the bounds of queues. */
  readonly drops: number;
  /** The most unread events that one queue has held. */
  readonly queueHighWater: number;
}

/** One listener's time on a bus. */
export class Registered implements Registration {
  /** An overridden `accept` may want events that the names do not say. */
  readonly #asksAlways: boolean;
  readonly #droppedBefore: number;
  #left = false;

  constructor(
    readonly bus: { readonly name: string },
    readonly listener: EventListener,
    readonly order: number,
    readonly fault: (error: unknown, event?: QmpEvent) => void,
    private readonly routes: Routes<Registered>,
  ) {
    this.#asksAlways = listener.accept !== EventListener.prototype.accept;
    this.#droppedBefore = listener.dropped;
    for (const name of this.#routeNames()) routes.add(name, this);
  }

  get stats(): QueueStats {
    const { listener } = this;
    return { drops: listener.dropped - this.#droppedBefore, queueHighWater: internals.highWater(listener) };
  }

  /** True once the listener was removed. */
  get left(): boolean {
    return this.#left;
  }

  leave(): void {
    this.#left = true;
    for (const name of this.#routeNames()) this.routes.remove(name, this);
  }

  added(name: string): void {
    if (this.#asksAlways) return;
    if (this.listener.names.size === 1) this.routes.remove(null, this);
    this.routes.add(name, this);
  }

  removed(name: string): void {
    if (this.#asksAlways) return;
    this.routes.remove(name, this);
    if (this.listener.names.size === 0) this.routes.add(null, this);
  }

  #routeNames(): Iterable<string | null> {
    return this.#asksAlways || this.listener.names.size === 0 ? [null] : this.listener.names;
  }
}

/** Who is registered with a bus, in order, and how to find those who want an event. */
export class Registrations {
  readonly routes: Routes<Registered> = new Routes();
  readonly #all = new Route<Registered>();
  readonly #bus: { readonly name: string };
  #next = 0;
  /** Of those that have left. */
  #stats: QueueStats = { drops: 0, queueHighWater: 0 };

  constructor(bus: { readonly name: string }) {
    this.#bus = bus;
  }

  /** As they are now. */
  get all(): readonly Registered[] {
    return this.#all.lend();
  }

  /** @throws TypeError | ListenerError unless all of these are listeners, none is registered, and each is listed once */
  checkFree(listeners: readonly EventListener[]): void {
    const listed = new Set<EventListener>();
    for (const listener of listeners) {
      checkListener(listener);
      const bus = internals.registration(listener)?.bus;
      if (bus) this.#refuse(listener, `is registered already, with ${bus === this.#bus ? 'this bus' : bus.name}`);
      if (listed.has(listener)) this.#refuse(listener, 'is listed twice');
      listed.add(listener);
    }
  }

  /** @param routes where it is found by name; a table of its own for the one who is served without asking */
  add(listener: EventListener, fault: Registered['fault'], routes: Routes<Registered> = this.routes): Registered {
    const registered = new Registered(this.#bus, listener, this.#next++, fault, routes);
    this.#all.add(registered);
    internals.attach(listener, registered);
    return registered;
  }

  /** Of all that were ever registered here but this one. */
  statsWithout(one: Registered): QueueStats {
    return this.all.reduce((sum, other) => (other === one ? sum : joined(sum, other.stats)), this.#stats);
  }

  remove(registered: Registered): void {
    this.#stats = joined(this.#stats, registered.stats);
    this.#all.remove(registered);
    registered.leave();
  }

  /** The listener's present registration, if it is one of these. */
  of(listener: EventListener): Registered | undefined {
    const registration = internals.registration(listener);
    return registration instanceof Registered && registration.bus === this.#bus ? registration : undefined;
  }

  #refuse(listener: EventListener, why: string): never {
    throw new ListenerError(`${this.#bus.name}: ${textOf(listener)} ${why}`);
  }
}

function joined(some: QueueStats, others: QueueStats): QueueStats {
  return {
    drops: some.drops + others.drops,
    queueHighWater: Math.max(some.queueHighWater, others.queueHighWater),
  };
}

/** @throws TypeError unless it is a listener */
export function checkListener(listener: unknown): void {
  if (!(listener instanceof EventListener)) throw new TypeError('listener must be an EventListener');
}
