import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

export const hasNats = () => spawnSync('nats-server', ['--version']).status === 0;

/** A nats-server on a port of its own, with what it stores in the folder. @param {string} folder */
export async function startNats(folder) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  probe.close();
  await once(probe, 'close');
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  await new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
    child.once('exit', () => {
      reject(new Error(`nats-server has ended: ${said}`));
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-10_000);
      if (said.includes('Server is ready')) resolve();
    });
  });
  child.removeAllListeners('exit');
  return {
    url: `127.0.0.1:${port}`,
    /** @returns {Promise<void>} */
    end: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
