import { checkFunction } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import { whenAborted } from '../foundation/abort.js';
import type { EventName, QmpEvent } from '../protocol/message.js';
import type { FilterOf } from '../protocol/event-filter.js';
import type { KnownNames, OpenName } from '../protocol/event-names.js';
import type { EventBus } from '../bus/event-bus.js';
import { inSession, type TaskOptions } from './in-session.js';

/** Which event {@link eventAfter} waits for, and how long. */
export interface EventAfterOptions<N extends string = EventName> extends TaskOptions {
  /** Which of the events with the right name counts. */
  readonly filter?: FilterOf<QmpEvent<NoInfer<N>>>;
  /** Milliseconds until `EventTimeoutError`. @default Infinity */
  readonly timeout?: number;
}

/**
 * The first event with one of these names after an action: it listens, acts, and resolves when both the event is here and the
 * action is done. QEMU sends an event before the reply of the command that causes it; whoever listens after the reply misses it.
 *
 * ```ts
 * const { timestamp } = await eventAfter(client, 'STOP', () => client.execute('stop'));
 * ```
 *
 * Rejects with what the action rejects with, with `EventTimeoutError`, with the signal's reason, or with `DisconnectedError`
 * when the session ends first.
 */
export async function eventAfter<const N extends EventName | OpenName = EventName>(
  bus: EventBus,
  names: KnownNames<N>,
  action: () => unknown,
  { filter, timeout, signal }: EventAfterOptions<N> = {},
): Promise<QmpEvent<N>> {
  if (typeof action !== 'function') throw new TypeError(`action must be a function, not ${show(action)}`);
  checkFunction('filter', filter);
  const listener = bus.listener<N>(names, filter, { historyLimit: 0 });
  try {
    return await inSession(bus, signal, async (ending) => {
      const event = listener.get({ signal: ending, ...(timeout !== undefined && { timeout }) });
      const [heard] = await Promise.all([event, settled(action, signal)]);
      return heard;
    });
  } finally {
    listener.close();
  }
}

/** An action may never settle: the signal frees its caller all the same. Commands of a session that ends reject by themselves. */
function settled(action: () => unknown, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stopWatching =
      signal &&
      whenAborted(signal, () => {
        reject(signal.reason as Error);
      });
    Promise.resolve()
      .then(action)
      .then(resolve, reject)
      .finally(() => stopWatching?.())
      .catch(() => undefined);
  });
}
