import { checkTimeout } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import { EventTimeoutError, ExecuteError, UnplugError } from '../protocol/errors.js';
import type { QmpEvent } from '../protocol/message.js';
import type { QmpClient } from '../client/qmp-client.js';
import { inSession, type TaskOptions } from './in-session.js';

const NEWS = ['DEVICE_DELETED', 'DEVICE_UNPLUG_GUEST_ERROR', 'MEM_UNPLUG_ERROR', 'ACPI_DEVICE_OST'] as const;
type News = QmpEvent<(typeof NEWS)[number]>;

/** How long a guest gets to let go of a device. */
export interface UnplugOptions extends TaskOptions {
  /** Milliseconds that the guest gets to let go of the device, then `EventTimeoutError`. @default 60_000 */
  readonly timeout?: number;
}

/**
 * Unplugs a device, and resolves when it is gone: the guest is asked to let go of it, and may take its time. A request that is
 * under way already is joined.
 *
 * Rejects with `UnplugError` where the guest refuses, with `ExecuteError` where QEMU does (no such device, a bus without hot
 * plug), and with `EventTimeoutError` where the guest says nothing: one that is paused, still boots, or knows no hot plug.
 *
 * @param device its id, or its QOM path
 */
export async function unplug(
  client: QmpClient,
  device: string,
  { timeout = 60_000, signal }: UnplugOptions = {},
): Promise<void> {
  if (typeof device !== 'string') throw new TypeError(`device must be an id or a QOM path, not ${show(device)}`);
  checkTimeout('timeout', timeout);
  const path = device.startsWith('/') ? device : `/machine/peripheral/${device}`;
  const deadline = Date.now() + timeout;
  const news = client.listener(NEWS, (event) => concerns(event, device, path), { historyLimit: 0 });
  try {
    await inSession(client, signal, async (ending) => {
      await client.execute('device_del', { id: device }, { signal: ending }).catch((error: unknown) => {
        const isUnderWay = error instanceof ExecuteError && error.desc.includes('already in the process of unplug');
        if (!isUnderWay) throw error;
      });
      for (;;) {
        // A guest that tells again and again that it tries gets no more time for that.
        const left = Math.max(deadline - Date.now(), 0);
        const event = await news.get({ timeout: left, signal: ending }).catch((error: unknown) => {
          if (!(error instanceof EventTimeoutError)) throw error;
          throw new EventTimeoutError(
            `${client.name}: the guest has not let go of ${device} within ${timeout} ms`,
            timeout,
          );
        });
        const refusal = refusalIn(event);
        if (refusal !== undefined) {
          throw new UnplugError(`${client.name}: the guest keeps ${device}: ${refusal}`, { device, desc: refusal });
        }
        if (isOf(event, device, path) ? event.event === 'DEVICE_DELETED' : await isGone(client, path, ending)) return;
      }
    });
  } finally {
    news.close();
  }
}

/** Whether the event is about the device itself. QEMU gives the id where there is one, and mostly the path. */
function isOf({ data }: News, device: string, path: string): boolean {
  if ('info' in data) return data.info.device === device;
  return data.device === device || ('path' in data && data.path === path);
}

/** Of an unplugged CPU QEMU tells only that a child of it is gone, and a last status without any device: a reason to ask. */
function concerns(event: News, device: string, path: string): boolean {
  if (isOf(event, device, path)) return true;
  if (event.event === 'DEVICE_DELETED') return event.data.path.startsWith(`${path}/`);
  return event.event === 'ACPI_DEVICE_OST' && event.data.info.device === undefined;
}

/** What an ACPI guest answers to a request to eject a device (ACPI 6.5, _OST); 0 is success, 0x84 "in progress". */
const EJECTION = 3;
const ANSWERS: Readonly<Record<number, string | undefined>> = {
  0x00: undefined,
  0x80: 'it cannot be ejected',
  0x81: 'it is in use by an application',
  0x82: 'it is busy',
  0x83: 'something that depends on it is busy',
  0x84: undefined,
};

function refusalIn(event: News): string | undefined {
  switch (event.event) {
    case 'DEVICE_UNPLUG_GUEST_ERROR':
      return 'it refused (DEVICE_UNPLUG_GUEST_ERROR)';
    case 'MEM_UNPLUG_ERROR':
      return event.data.msg;
    case 'ACPI_DEVICE_OST': {
      const { source, status, device } = event.data.info;
      if (source !== EJECTION || device === undefined) return undefined;
      return status in ANSWERS ? ANSWERS[status] : `ACPI status ${status}`;
    }
    default:
      return undefined;
  }
}

async function isGone(client: QmpClient, path: string, signal: AbortSignal): Promise<boolean> {
  const cut = path.lastIndexOf('/');
  const name = path.slice(cut + 1);
  const siblings = await client.execute('qom-list', { path: path.slice(0, cut) }, { signal });
  return !siblings.some((sibling) => sibling.name === name);
}
