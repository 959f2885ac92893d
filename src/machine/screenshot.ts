import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecuteError, QmpError } from '../protocol/errors.js';
import type { QmpClient } from '../client/qmp-client.js';
import { schemaOf } from '../client/schema.js';

/** Milliseconds for which one picture serves all who ask. */
const FRESH = 1_000;

/** How a picture of the screen gets from QEMU to this program. */
export interface ScreenshotOptions {
  /** Where QEMU writes the file, which is read and removed: it must be able to. @default the folder for temporary files */
  readonly folder?: string;
}

const latest = new WeakMap<QmpClient, { readonly picture: Promise<Uint8Array>; readonly since: number }>();

/**
 * A picture of the guest's screen, as PNG. QEMU, perhaps as another user, writes it into a file on its own host, which must be
 * this one. Calls within a second share one picture.
 *
 * Rejects with `ExecuteError` in QEMU's words (there is no display device; it may not write there), and with `QmpError` where
 * the file is not found here, or where QEMU is older than 7.1 and makes no PNG.
 */
export function screenshot(client: QmpClient, { folder = tmpdir() }: ScreenshotOptions = {}): Promise<Uint8Array> {
  const before = latest.get(client);
  if (before && Date.now() - before.since < FRESH) return before.picture;
  const entry = { picture: take(client, folder), since: Date.now() };
  latest.set(client, entry);
  entry.picture.catch(() => {
    if (latest.get(client) === entry) latest.delete(client);
  });
  return entry.picture;
}

async function take(client: QmpClient, parent: string): Promise<Uint8Array> {
  const schema = await schemaOf(client);
  if (!schema.has('screendump', 'format')) {
    throw new QmpError(`${client.name}: this QEMU makes no PNG pictures: screendump can since QEMU 7.1`);
  }
  const folder = await mkdtemp(join(parent, 'rx-qmp-screen-'));
  const filename = join(folder, 'screen.png');
  try {
    // Another user may make files here, and see none.
    await chmod(folder, 0o733);
    await client.execute('screendump', { filename, format: 'png' });
    return await readFile(filename);
  } catch (error) {
    if (error instanceof ExecuteError || error instanceof QmpError) throw error;
    const advice =
      'does QEMU run on this host, with the same file system? Or may only its own user read what it writes?';
    throw new QmpError(`${client.name}: the picture that QEMU wrote is not found here: ${advice}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
