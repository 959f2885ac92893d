import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { within } from './within.js';
import type { ProcessEnd } from './launch-error.js';
import { endWithProgram } from './program-end.js';

/** Characters of stderr that are kept. */
const WORDS_KEPT = 64 * 1024;

/** Milliseconds that what a process said may still be on its way once it has ended. */
const LAST_WORDS = 1_000;

/** A process that does not outlive the program. */
export class QemuProcess {
  /** Resolves when it has ended, or could not be started; never rejects. */
  readonly exited: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  #stderr = '';
  #ended = false;

  /**
   * @param wrapper a program that starts the command in its own place, with its arguments; may be empty
   * @throws what `spawn` does
   */
  constructor(wrapper: readonly string[], command: readonly string[], stdio: StdioOptions) {
    const [program = '', ...args] = [...wrapper, ...command];
    // In a process group of its own: Ctrl-C would reach QEMU before the program can stop it in good order.
    this.#child = spawn(program, args, { stdio, detached: true });
    const { stderr } = this.#child;
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-WORDS_KEPT);
    });
    const saidAll = stderr ? once(stderr, 'close') : Promise.resolve();
    const forget = this.pid === undefined ? undefined : endWithProgram(this);
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#ended = true;
        forget?.();
        void within(LAST_WORDS, saidAll).then(() => {
          resolve({ code, signal, stderr: this.#stderr.trim() });
        });
      };
      this.#child.once('exit', end);
      this.#child.once('error', (error) => {
        if (this.pid !== undefined) return;
        this.#stderr = error.message;
        end(null, null);
      });
    });
  }

  /** Undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Our end of a socketpair whose other end it has as descriptor `fd`. */
  socket(fd: number): Socket {
    return this.#child.stdio[fd] as Socket;
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }
}
