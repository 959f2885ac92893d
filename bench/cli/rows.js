import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../../dist/node.js';
import { FakeQemu } from '../../dist/testing.js';
import { alternate } from '../measure.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));

/** How long a shell waits for the command line, against a Node that does nothing. @param {import('../main.js').Scale} scale */
export async function cli({ rounds }) {
  const folder = mkdtempSync(join(tmpdir(), 'rx-qmp-bench-'));
  const served = await serve(new FakeQemu().connector, `unix:${join(folder, 'qmp')}`);
  try {
    const measured = await alternate(2 * rounds + 1, {
      nothing: () => milliseconds(['-e', '0']),
      help: () => milliseconds([MAIN, '--help']),
      exec: () => milliseconds([MAIN, 'exec', served.address, 'query-status']),
    });
    const row = (what, side, maximum) => ({
      what,
      value: `${Math.round(measured.median(side))} ms`,
      against: `node -e 0 ${Math.round(measured.median('nothing'))} ms`,
      ratio: measured.ratio(side, 'nothing'),
      maximum,
    });
    return [row('rx-qmp --help', 'help', 1.5), row('rx-qmp exec unix:… query-status', 'exec', 2)];
  } finally {
    await served.close();
    rmSync(folder, { recursive: true });
  }
}

/** From the start of a Node to its end. @param {string[]} args @returns {Promise<number>} */
function milliseconds(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      .once('error', reject)
      .once('exit', (code) => {
        if (code === 0) resolve(performance.now() - start);
        else reject(new Error(`node ${args.join(' ')} ended with ${code}`));
      });
  });
}
