import { signal, type Signal } from '@angular/core';
import type { ConnectionState } from '../client/state.js';
import { injectWatched, type InjectClientOptions } from './inject-watched.js';
import { injectFrom } from './injection.js';

/**
 * What a client is doing, as a signal: connecting, ready, reconnecting, closed. Of several changes in one tick a signal shows
 * the last; `client.state$` has each.
 *
 * ```ts
 * readonly state = injectQmpState();
 * readonly status = resource({
 *   params: () => (this.state().phase === 'ready' ? {} : undefined),
 *   loader: ({ abortSignal }) => this.qmp.execute('query-status', undefined, { signal: abortSignal }),
 * });
 * ```
 */
export function injectQmpState(options: InjectClientOptions = {}): Signal<ConnectionState> {
  return injectFrom(injectQmpState, options.injector, () =>
    injectWatched(options.client, (client) => {
      const state = signal(client.state);
      const subscription = client.state$.subscribe((next) => {
        state.set(next);
      });
      return {
        value: state.asReadonly(),
        stop: () => {
          subscription.unsubscribe();
        },
      };
    }),
  );
}
