import { ListenerError } from '../protocol/errors.js';
import { textOf } from '../foundation/text.js';
import { EventListener, lifeOf } from './event-listener.js';
import { Registration, type Fault, type QueueStats } from './registration.js';
import { Route, Routes } from './routes.js';

/** Who is registered with a bus, in order, and how to find those who want an event. */
export class Registrations {
  readonly routes: Routes = new Routes();
  readonly #all = new Route();
  readonly #bus: { readonly name: string };
  #next = 0;
  /** Sums of the registrations that have ended. */
  #stats: QueueStats = { drops: 0, queueHighWater: 0 };

  constructor(bus: { readonly name: string }) {
    this.#bus = bus;
  }

  /** In order; this array never changes. */
  get all(): readonly Registration[] {
    return this.#all.lend();
  }

  /** @throws TypeError | ListenerError unless all of these are listeners, none is registered, and each is listed once */
  checkFree(listeners: readonly EventListener[]): void {
    const listed = new Set<EventListener>();
    for (const listener of listeners) {
      checkListener(listener);
      const bus = lifeOf(listener).host?.bus;
      if (bus) this.#refuse(listener, `is registered already, with ${bus === this.#bus ? 'this bus' : bus.name}`);
      if (listed.has(listener)) this.#refuse(listener, 'is listed twice');
      listed.add(listener);
    }
  }

  /** @param routes finds it by name; a table that nobody asks for the built-in listener, which is served in any case */
  add(listener: EventListener, fault: Fault, routes: Routes = this.routes): Registration {
    const registration = new Registration(this.#bus, listener, this.#next++, fault, routes);
    this.#all.add(registration);
    lifeOf(listener).attach(registration);
    return registration;
  }

  /** Over all listeners that were ever registered here but this one. */
  statsWithout(one: Registration): QueueStats {
    return this.all.reduce((sum, other) => (other === one ? sum : joined(sum, other.stats)), this.#stats);
  }

  remove(registration: Registration): void {
    this.#stats = joined(this.#stats, registration.stats);
    this.#all.remove(registration);
    registration.end();
  }

  /** The listener's present registration, if it is one of these. */
  of(listener: EventListener): Registration | undefined {
    const { host } = lifeOf(listener);
    return host instanceof Registration && host.bus === this.#bus ? host : undefined;
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
