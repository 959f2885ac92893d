import { Observable, type Subscriber } from 'rxjs';
import { checkFunction } from '../foundation/checks.js';
import type { EventName, QmpEvent } from '../protocol/message.js';
import type { EventFilter } from '../protocol/event-filter.js';
import type { EventNames } from '../protocol/event-names.js';
import { EventListener, lifeOf } from './event-listener.js';
import type { ListenerHost } from './listener-life.js';
import { namesOf } from './name-set.js';

/** The part of a bus that observing needs. */
export interface Registrar {
  listen(listener: EventListener): { close(): void };
}

const VIEW_ONLY = { queueLimit: 0, historyLimit: 0 };

/** A listener for each subscription, registered as long as it lasts. */
export function observeNames(
  bus: Registrar,
  names: EventNames | undefined,
  eventFilter: EventFilter | undefined,
): Observable<QmpEvent> {
  const list = namesOf(names) as EventName[];
  checkFunction('eventFilter', eventFilter);
  return new Observable((subscriber) => {
    const listener = new EventListener(list, eventFilter, VIEW_ONLY);
    const scope = bus.listen(listener);
    forward(listener, subscriber);
    return () => {
      scope.close();
    };
  });
}

/** One registration that several subscribers share. */
export interface Shared {
  readonly scope: { close(): void };
  readonly host: ListenerHost | undefined;
  subscribers: number;
}

/**
 * The caller's own listener, registered from the first subscriber to the last.
 *
 * @param shared the registrations that the subscribers of one bus share: each listener is registered once
 */
export function observeListener(
  bus: Registrar,
  listener: EventListener,
  shared: WeakMap<EventListener, Shared>,
): Observable<QmpEvent> {
  return new Observable((subscriber) => {
    const before = shared.get(listener);
    const joined = before && isLive(before, listener) ? before : register(bus, listener, before);
    shared.set(listener, joined);
    joined.subscribers += 1;
    forward(listener, subscriber);
    return () => {
      joined.subscribers -= 1;
      if (joined.subscribers > 0) return;
      if (shared.get(listener) === joined) shared.delete(listener);
      joined.scope.close();
    };
  });
}

/** False where it has ended and not all subscribers know yet: one that subscribes again at once needs a new registration. */
function isLive({ host }: Shared, listener: EventListener): boolean {
  const life = lifeOf(listener);
  return life.host === host && !life.ended;
}

function register(bus: Registrar, listener: EventListener, before: Shared | undefined): Shared {
  before?.scope.close();
  const scope = bus.listen(listener);
  return { scope, host: lifeOf(listener).host, subscribers: 0 };
}

/** Passes on what the view shows. After a loss the view, which many share, completes; this subscription fails. */
function forward<E>(listener: EventListener<string, E>, subscriber: Subscriber<E>): void {
  const watching = listener.events$.subscribe({
    next: (event) => {
      subscriber.next(event);
    },
    complete: () => {
      const { loss } = lifeOf(listener as EventListener);
      if (loss) subscriber.error(loss);
      else subscriber.complete();
    },
  });
  subscriber.add(watching);
}
