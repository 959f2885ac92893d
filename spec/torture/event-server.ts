import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporary-folder.js';

/** Servers in a process of their own that send numbered events to whoever has finished the handshake. */
export async function startEventServers(
  servers: number,
  events: number,
): Promise<{ paths: readonly string[]; stop(): Promise<void> }> {
  const folder = temporaryFolder();
  const child = fork(join(__dirname, 'tick-server.cjs'), [folder.path, `${servers}`, `${events}`]);
  await once(child, 'message');
  return {
    paths: Array.from({ length: servers }, (_, index) => join(folder.path, `${index}`)),
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      folder.remove();
    },
  };
}
