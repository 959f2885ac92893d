import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process that does what it is asked, one thing after the other. */
export class Helper {
  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.child = child;
  }

  /** @param {URL} module @param {object} input */
  static async start(module, input) {
    const child = fork(module, [JSON.stringify(input)]);
    const helper = new Helper(child);
    await once(child, 'message');
    return helper;
  }

  /** @param {object} what @returns {Promise<any>} */
  async ask(what) {
    const answer = once(this.child, 'message');
    this.child.send(what);
    return (await answer)[0];
  }

  /** @returns {Promise<void>} */
  async end() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/**
 * Gives `use` a folder and a way to start helpers, and ends all of them afterwards.
 *
 * @template T @param {(folder: string, helper: (...what: Parameters<typeof Helper.start>) => Promise<Helper>) => Promise<T>} use
 */
export async function withHelpers(use) {
  const folder = await mkdtemp(join(tmpdir(), 'rx-qmp-bench-'));
  /** @type {Helper[]} */
  const helpers = [];
  try {
    return await use(folder, async (...what) => {
      const helper = await Helper.start(...what);
      helpers.push(helper);
      return helper;
    });
  } finally {
    await Promise.all(helpers.map((helper) => helper.end()));
    await rm(folder, { recursive: true });
  }
}

/** In a helper: does what it is asked. @param {(what: any) => unknown} answer */
export function serve(answer) {
  process.on('message', async (what) => {
    process.send?.((await answer(what)) ?? {});
  });
  process.once('disconnect', () => process.exit());
  process.send?.('ready');
}

/** In a helper: what it was started with. */
export const input = () => JSON.parse(process.argv[2] ?? '{}');
