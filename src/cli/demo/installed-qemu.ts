import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ownEmulator } from '../../machine/emulator.js';

const EMULATOR = /^qemu-system-\w+$/;

/** The path of an installed QEMU, of this machine's architecture if there is a choice. */
export async function findQemu(path: string = process.env['PATH'] ?? ''): Promise<string | undefined> {
  const folders = path.split(':').filter((folder) => folder !== '');
  const found: string[] = [];
  for (const folder of folders) {
    // A PATH may well name folders that do not exist.
    const names = await readdir(folder).catch(() => []);
    found.push(...names.filter((name) => EMULATOR.test(name)).map((name) => join(folder, name)));
  }
  return found.find((file) => file.endsWith(`/${ownEmulator}`)) ?? found[0];
}
