import { Observable, type Subscriber } from 'rxjs';
import { checkFunction } from '../foundation/checks.js';
import type { QmpEvent } from '../protocol/message.js';
import type { EventFilter, EventNames } from '../protocol/event-names.js';
import type { EventBus } from './event-bus.js';
import { EventListener, internals, type Registration } from './event-listener.js';
import { namesOf } from './name-set.js';

const VIEW_ONLY = { queueLimit: 0, historyLimit: 0 };

/** A listener for each subscription, registered as long as it lasts. */
export function observeNames(
  bus: EventBus,
  names: EventNames | undefined,
  eventFilter: EventFilter | undefined,
): Observable<QmpEvent> {
  const list = namesOf(names) as never[];
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

interface Shared {
  readonly scope: { close(): void };
  readonly registration: Registration | undefined;
  subscribers: number;
}

/** By bus, then by listener: however often a listener is observed there, it is registered once. */
const shared = new WeakMap<EventBus, WeakMap<EventListener, Shared>>();

/** The caller's own listener, registered from the first subscriber to the last. */
export function observeListener(bus: EventBus, listener: EventListener): Observable<QmpEvent> {
  return new Observable((subscriber) => {
    const onBus = shared.get(bus) ?? new WeakMap<EventListener, Shared>();
    shared.set(bus, onBus);
    const before = onBus.get(listener);
    const joined = before && isLive(before, listener) ? before : register(bus, listener, before);
    onBus.set(listener, joined);
    joined.subscribers += 1;
    forward(listener, subscriber);
    return () => {
      joined.subscribers -= 1;
      if (joined.subscribers > 0) return;
      if (onBus.get(listener) === joined) onBus.delete(listener);
      joined.scope.close();
    };
  });
}

/** False while the last of its subscribers are being told of the end: one who comes back at once begins anew. */
function isLive({ registration }: Shared, listener: EventListener): boolean {
  return internals.registration(listener) === registration && !internals.ended(listener);
}

function register(bus: EventBus, listener: EventListener, before: Shared | undefined): Shared {
  before?.scope.close();
  const scope = bus.listen(listener);
  return { scope, registration: internals.registration(listener), subscribers: 0 };
}

/** What the view shows; unlike a view, which many share, a subscription of one's own fails after a loss. */
function forward<E>(listener: EventListener<string, E>, subscriber: Subscriber<E>): void {
  const watching = listener.events$.subscribe({
    next: (event) => {
      subscriber.next(event);
    },
    complete: () => {
      const loss = internals.loss(listener as EventListener);
      if (loss) subscriber.error(loss);
      else subscriber.complete();
    },
  });
  subscriber.add(watching);
}
