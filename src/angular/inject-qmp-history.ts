import { computed, signal, type Signal } from '@angular/core';
import type { QmpClient } from '../client/qmp-client.js';
import type { EventName, QmpEvent } from '../protocol/message.js';
import type { FilterOf } from '../protocol/event-filter.js';
import type { KnownNames, OpenName } from '../protocol/event-names.js';
import { injectWatched, type InjectClientOptions, type Watch } from './inject-watched.js';
import { injectFrom } from './injection.js';

/** Selects the client, the events and how many of them are kept. */
export interface InjectQmpHistoryOptions<N extends string = EventName> extends InjectClientOptions {
  /** Decides which of these events are kept. @default all */
  readonly filter?: FilterOf<QmpEvent<N>>;
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
 * readonly stops = injectQmpHistory('STOP', { limit: 100 });
 * ```
 */
export function injectQmpHistory<const N extends EventName | OpenName = EventName>(
  names?: KnownNames<N>,
  options: InjectQmpHistoryOptions<NoInfer<N>> = {},
): Signal<readonly QmpEvent<NoInfer<N>>[]> {
  return injectFrom(injectQmpHistory, options.injector, () =>
    injectWatched(options.client, (client) => watchHistory(client, names, options)),
  );
}

function watchHistory<N extends EventName | OpenName>(
  client: QmpClient,
  names: KnownNames<N> | undefined,
  { filter, limit = 1_000 }: InjectQmpHistoryOptions<NoInfer<N>>,
): Watch<readonly QmpEvent<N>[]> {
  const listener = client.listener<N>(names, filter, { queueLimit: 0, historyLimit: limit });
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
