import { QmpError, ShutdownError } from '../protocol/errors.js';
import type { CommandResult } from '../client/execute-types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { eventAfter, type EventAfterOptions } from './event-after.js';
import { inSession, type TaskOptions } from './in-session.js';

/**
 * Stops the VM, and resolves when it stands still. That it does so already is no error.
 *
 * Rejects as `execute` does, and with `QmpError` where the VM runs all the same, since somebody else has resumed it.
 */
export function pause(client: QmpClient, { signal }: TaskOptions = {}): Promise<void> {
  return inSession(client, signal, async (ending) => {
    const { running } = await statusAfter(client, 'stop', ending);
    if (running) throw new QmpError(`${client.name}: the VM runs again, though it was stopped`);
  });
}

/**
 * Lets the VM run, and resolves when it does; where a migration is on its way in, when it will as soon as that has arrived.
 * That it runs already is no error.
 *
 * Rejects as `execute` does, and with `QmpError` where the VM stands still all the same: it is suspended, say.
 */
export function resume(client: QmpClient, { signal }: TaskOptions = {}): Promise<void> {
  return inSession(client, signal, async (ending) => {
    const { running, status } = await statusAfter(client, 'cont', ending);
    if (!running && status !== 'inmigrate') {
      throw new QmpError(`${client.name}: the VM does not run, though it was resumed: it is ${status}`);
    }
  });
}

/** No event tells: `stop` in prelaunch and `cont` in inmigrate succeed without one. */
async function statusAfter(
  client: QmpClient,
  command: 'stop' | 'cont',
  signal: AbortSignal,
): Promise<CommandResult<'query-status'>> {
  await client.execute(command, undefined, { signal });
  return client.execute('query-status', undefined, { signal });
}

/**
 * Resets the VM, as its reset button does, and resolves when that has happened; the guest boots then, see `waitForGuest`.
 *
 * Rejects with `EventTimeoutError` after `timeout` milliseconds (@default 30_000), and with `ShutdownError` where QEMU was
 * started with `-no-reboot` and shuts down instead.
 */
export async function reset(
  client: QmpClient,
  { timeout = 30_000, ...options }: Pick<EventAfterOptions, 'timeout' | 'signal'> = {},
): Promise<void> {
  const { event } = await eventAfter(client, ['RESET', 'SHUTDOWN'], () => client.execute('system_reset'), {
    ...options,
    timeout,
    // One reboot may give several RESET, by the guest too.
    filter: ({ data }) => data.reason === 'host-qmp-system-reset',
  });
  if (event === 'SHUTDOWN') throw new ShutdownError(`${client.name}: QEMU shuts down instead of a reset (-no-reboot)`);
}
