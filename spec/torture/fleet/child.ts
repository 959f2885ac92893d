import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { exit } from '../../support/qemu.js';

/** A program of this folder that runs the built package (dist) in a process of its own. */
export class Child {
  readonly #process: ChildProcess;
  readonly #gone: Promise<string>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#gone = exit(process);
  }

  /**
   * Resolves when it is ready.
   *
   * @param prefix of the command: `ip netns exec NAME`, say
   */
  static async start(file: string, args: readonly (string | number)[], prefix: readonly string[] = []): Promise<Child> {
    const [program = '', ...words] = [...prefix, process.execPath, join(__dirname, file), ...args.map(String)];
    const child = new Child(spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }));
    let said = '';
    child.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    await Promise.race([
      once(child.#process, 'message'),
      child.#gone.then((how) => {
        throw new Error(`${file} ended before it was ready (${how}): ${said}`);
      }),
    ]);
    return child;
  }

  async ask<T>(): Promise<T> {
    const answer = once(this.#process, 'message');
    this.#process.send('ask');
    return ((await answer) as [T])[0];
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
  }
}
