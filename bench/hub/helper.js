import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that does what it is asked, one thing after the other. */
export class Helper {
  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.child = child;
  }

  /** @param {'monitor' | 'readers' | 'flood' | 'bystander'} name @param {object} input */
  static async start(name, input) {
    const child = fork(new URL(`./${name}.js`, import.meta.url), [JSON.stringify(input)]);
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
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
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
