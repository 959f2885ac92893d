import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param {string[]} what see server.js @param {(socket: (name: string) => string) => Promise<T>} use @template T */
export async function withServer(what, use) {
  const folder = await mkdtemp(join(tmpdir(), 'rx-qmp-bench-'));
  const server = fork(new URL('./server.js', import.meta.url), [folder, ...what]);
  try {
    await once(server, 'message');
    return await use((name) => join(folder, `${name}.sock`));
  } finally {
    server.disconnect();
    await rm(folder, { recursive: true });
  }
}
