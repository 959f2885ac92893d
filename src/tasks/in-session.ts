import { whenAborted } from '../foundation/abort.js';
import { checkSignal } from '../foundation/checks.js';
import { DisconnectedError } from '../protocol/errors.js';
import type { EventBus } from '../bus/event-bus.js';
import type { QmpClient } from '../client/qmp-client.js';

/** What every task takes. */
export interface TaskOptions {
  /** Rejects with the signal's reason when it aborts. The VM stays as it is: what was sent to it is not taken back. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a task that belongs to one session. The signal it gets aborts with the caller's, and with `DisconnectedError` when the
 * session ends: with `reconnect` a listener would go on waiting for what the next session may never bring.
 *
 * `run` is not raced against that signal, it hands it on: an event that came just before the end must not be lost to it.
 */
export async function inSession<T>(
  bus: EventBus,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  checkSignal('signal', signal);
  signal?.throwIfAborted();
  const ending = new AbortController();
  const stopWatching =
    signal &&
    whenAborted(signal, () => {
      ending.abort(signal.reason);
    });
  let begun = false;
  const states = (bus as { readonly state$?: QmpClient['state$'] }).state$?.subscribe((state) => {
    const cause = 'cause' in state ? state.cause : undefined;
    if (state.phase === 'ready') begun = true;
    else if (begun) ending.abort(new DisconnectedError(`${bus.name}: the session has ended`, { cause }));
  });
  try {
    return await run(ending.signal);
  } finally {
    states?.unsubscribe();
    stopWatching?.();
  }
}

/** Resolves after so many milliseconds, or rejects with the signal's reason. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const timer = setTimeout(() => {
      stopWatching();
      resolve();
    }, milliseconds);
    const stopWatching = whenAborted(signal, () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
