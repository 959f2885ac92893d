import { checkTimeout } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import {
  DisconnectedError,
  EventTimeoutError,
  ExecInterruptedError,
  ExecuteError,
  ShutdownError,
} from '../protocol/errors.js';
import type { QmpEvent } from '../protocol/message.js';
import type { QmpClient } from '../client/qmp-client.js';
import { inSession, type TaskOptions } from './in-session.js';

/** How often the power button is pressed, in milliseconds: a guest that is still booting ignores it. */
const PRESS_AGAIN = 10_000;

/** How long a guest gets to shut down, and what becomes of one that does not. */
export interface ShutdownOptions extends TaskOptions {
  /** Milliseconds that the guest gets to shut down. @default 60_000 */
  readonly grace?: number;
  /** What becomes of a guest that has not: QEMU is told to quit, or the task fails with `ShutdownError`. @default 'quit' */
  readonly then?: 'quit' | 'fail';
}

/**
 * Shuts the guest down by its power button, pressed again each 10 s, and says how it ended: the guest did it, or QEMU quit. A
 * paused VM is resumed first. Under `-no-shutdown` QEMU stays when the guest has shut down; to `quit` is up to the caller.
 *
 * ```ts
 * const how = await shutdown(client, { grace: 30_000 }); // 'guest' or 'quit'
 * ```
 *
 * Rejects with `ShutdownError` (with `then: 'fail'`), with the signal's reason, or with `DisconnectedError` or
 * `ExecInterruptedError` when the session is lost without a word of a shutdown.
 */
export async function shutdown(client: QmpClient, options: ShutdownOptions = {}): Promise<'guest' | 'quit'> {
  const { grace = 60_000, then = 'quit', signal } = options;
  checkTimeout('grace', grace);
  if (!['quit', 'fail'].includes(then)) throw new TypeError(`then must be 'quit' or 'fail', not ${show(then)}`);
  const ends = client.listener('SHUTDOWN', undefined, { historyLimit: 0 });
  const comes = (timeout: number, ending?: AbortSignal): Promise<QmpEvent<'SHUTDOWN'> | undefined> =>
    ends.get({ timeout, ...(ending && { signal: ending }) }).catch((error: unknown) => {
      if (error instanceof EventTimeoutError) return undefined;
      throw error;
    });
  try {
    const end = await inSession(client, signal, async (ending) => {
      try {
        const refusal = await wakeUp(client, ending);
        if (refusal === 'is off') return undefined;
        const deadline = Date.now() + grace;
        for (let left = grace; left > 0 && !refusal; left = deadline - Date.now()) {
          await client.execute('system_powerdown', undefined, { signal: ending });
          const end = await comes(Math.min(left, PRESS_AGAIN), ending);
          if (end) return end;
        }
        if (then === 'fail') throw failure(client, grace, refusal);
        await client.execute('quit', undefined, { signal: ending });
      } catch (error) {
        const sessionEnded = error instanceof DisconnectedError || error instanceof ExecInterruptedError;
        if (!sessionEnded || ends.empty()) throw error;
      }
      return (await comes(0)) ?? 'quit';
    });
    return end === undefined || (end !== 'quit' && end.data.guest) ? 'guest' : 'quit';
  } finally {
    ends.close();
  }
}

/** Resumes what is paused, since a VM that stands still feels no button. QEMU may refuse: after an internal error, say. */
async function wakeUp(client: QmpClient, signal: AbortSignal): Promise<ExecuteError | 'is off' | undefined> {
  const { running, status } = await client.execute('query-status', undefined, { signal });
  if (status === 'shutdown') return 'is off';
  if (running) return undefined;
  try {
    await client.execute('cont', undefined, { signal });
    return undefined;
  } catch (error) {
    if (error instanceof ExecuteError) return error;
    throw error;
  }
}

function failure(client: QmpClient, grace: number, refusal: ExecuteError | undefined): ShutdownError {
  return refusal
    ? new ShutdownError(`${client.name}: the VM is paused and cannot be resumed: ${refusal.desc}`, { cause: refusal })
    : new ShutdownError(`${client.name}: the guest has not shut down within ${grace} ms`);
}
