import { computed, signal, type Signal } from '@angular/core';
import type { QmpClient } from '../client/qmp-client.js';
import type { QmpEvent } from '../protocol/message.js';
import type { EventFilter, EventNames, KnownNames, NameIn } from '../protocol/event-names.js';
import { injectWatched, type InjectClientOptions, type Watch } from './inject-watched.js';
import { injectFrom } from './injection.js';

export interface InjectQmpHistoryOptions extends InjectClientOptions {
  /** How many of the latest events it holds. @default 1_000 */
  readonly limit?: number;
}

/**
 * The latest events with these names that pass the filter, oldest first, as a signal. A listener of its own hears them from the
 * call on (with `client` as a function: from the first read on) and is removed with the injection context; the last value stays.
 *
 * The value is the listener's frozen history, the same array until there is another event. It is made when it is read: however
 * many events come between two renderings, one array is made.
 *
 * ```ts
 * readonly stops = injectQmpHistory('STOP', undefined, { limit: 100 });
 * ```
 */
export function injectQmpHistory<const T extends EventNames = null>(
  names?: T & KnownNames<T>,
  eventFilter?: EventFilter<NameIn<T>>,
  options?: InjectQmpHistoryOptions,
): Signal<readonly QmpEvent<NameIn<T>>[]>;
export function injectQmpHistory(
  names: EventNames = null,
  eventFilter?: EventFilter,
  options: InjectQmpHistoryOptions = {},
): Signal<readonly QmpEvent[]> {
  return injectFrom(injectQmpHistory, options.injector, () =>
    injectWatched(options.client, (client) => watchHistory(client, names, eventFilter, options.limit)),
  );
}

function watchHistory(
  client: QmpClient,
  names: EventNames,
  eventFilter: EventFilter | undefined,
  limit = 1_000,
): Watch<readonly QmpEvent[]> {
  const listener = client.listener(names as null, eventFilter, { queueLimit: 0, historyLimit: limit });
  const heard = signal(0);
  const subscription = listener.events$.subscribe(() => {
    heard.update((count) => count + 1);
  });
  return {
    value: computed(() => {
      heard();
      return listener.history;
    }),
    stop: () => {
      subscription.unsubscribe();
      listener.close();
    },
  };
}
