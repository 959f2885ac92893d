import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { arch } from 'node:process';

const EMULATOR = /^qemu-system-\w+$/;
const OWN_ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'qemu-system-x86_64', arm64: 'qemu-system-aarch64' };

/** The path of an installed QEMU, of this machine's architecture if there is a choice. */
export async function findQemu(path: string = process.env['PATH'] ?? ''): Promise<string | undefined> {
  const folders = path.split(':').filter((folder) => folder !== '');
  const found: string[] = [];
  for (const folder of folders) {
    // A PATH may well name folders that do not exist.
    const names = await readdir(folder).catch(() => []);
    found.push(...names.filter((name) => EMULATOR.test(name)).map((name) => join(folder, name)));
  }
  return found.find((file) => file.endsWith(`/${OWN_ARCHITECTURE[arch] ?? ''}`)) ?? found[0];
}
