import { computed, DestroyRef, inject, signal, untracked, type Signal } from '@angular/core';
import type { QmpClient } from '../client/qmp-client.js';
import type { InjectOptions } from './injection.js';
import { injectQmp } from './inject-qmp.js';

/** Selects the client whose events or state are shown. */
export interface InjectClientOptions extends InjectOptions {
  /**
   * The client; a function may read signals, required inputs too, and is called when the result is first read and when they have
   * changed. @default the client of {@link injectQmp}
   */
  readonly client?: QmpClient | (() => QmpClient);
}

/** What is watched of one client, and how to stop watching. */
export interface Watch<T> {
  readonly value: Signal<T>;
  stop(): void;
}

/** What `watch` shows of the client, or of whichever client it is at the moment; stops with the injection context. */
export function injectWatched<T>(
  client: InjectClientOptions['client'],
  watch: (client: QmpClient) => Watch<T>,
): Signal<T> {
  let current: Watch<T> | undefined;
  const start = (from: QmpClient): Signal<T> => {
    current?.stop();
    // What a client tells at once must not look as if the reader wrote to a signal.
    current = untracked(() => watch(from));
    return current.value;
  };
  const destroyed = signal(false);
  inject(DestroyRef).onDestroy(() => {
    current?.stop();
    destroyed.set(true);
  });
  if (typeof client !== 'function') return start(client ?? injectQmp());
  const source = computed(() => {
    const from = client();
    return untracked(destroyed) && current ? current.value : start(from);
  });
  return computed(() => source()());
}
