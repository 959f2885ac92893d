import { checkTimeout } from '../foundation/checks.js';
import { EventTimeoutError, QmpError } from '../protocol/errors.js';
import type { QmpClient } from '../client/qmp-client.js';
import { inSession, type TaskOptions } from './in-session.js';

/** QEMU sends VSERPORT_CHANGE once a second at most, and none for a port without id. */
const ASK_AGAIN = 1_000;

/** How long a guest gets to come up. */
export interface WaitForGuestOptions extends TaskOptions {
  /** Milliseconds until `EventTimeoutError`. @default 120_000 */
  readonly timeout?: number;
}

/**
 * Resolves when the guest has opened a port, as its agent does when the guest is up; at once where it is open already.
 *
 * Rejects with `QmpError` where there is no such chardev, and with `EventTimeoutError`.
 *
 * @param chardev the id of the port's character device: `qga` for `-chardev socket,id=qga,… -device virtserialport,chardev=qga,…`
 */
export async function waitForGuest(
  client: QmpClient,
  chardev: string,
  { timeout = 120_000, signal }: WaitForGuestOptions = {},
): Promise<void> {
  checkTimeout('timeout', timeout);
  // Its own id is that of the device, not of the chardev: each change is a reason to ask.
  const changes = client.listener('VSERPORT_CHANGE', ({ data }) => data.open, { historyLimit: 0 });
  try {
    await inSession(client, signal, async (ending) => {
      const deadline = Date.now() + timeout;
      while (!(await isOpen(client, chardev, ending))) {
        const left = deadline - Date.now();
        if (left <= 0) {
          throw new EventTimeoutError(
            `${client.name}: the guest has not opened ${chardev} within ${timeout} ms`,
            timeout,
          );
        }
        await changes.get({ timeout: Math.min(left, ASK_AGAIN), signal: ending }).catch((error: unknown) => {
          if (!(error instanceof EventTimeoutError)) throw error;
        });
      }
    });
  } finally {
    changes.close();
  }
}

async function isOpen(client: QmpClient, chardev: string, signal: AbortSignal): Promise<boolean> {
  const all = await client.execute('query-chardev', undefined, { signal });
  const found = all.find(({ label }) => label === chardev);
  if (found) return found['frontend-open'];
  const labels = all.map(({ label }) => label).join(', ');
  throw new QmpError(`${client.name}: there is no chardev '${chardev}'; there are ${labels || 'none'}`);
}
