import type { Socket } from 'node:net';
import type { Observable } from 'rxjs';
import { whenAborted } from '../foundation/abort.js';
import { checkSignal, checkTimeout } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import { HotSource } from '../foundation/hot-source.js';
import { ConsoleError } from './console-error.js';
import { markedCommand, type ShellResult } from './shell-command.js';

/** How long a wait for the console takes at most. */
export interface ConsoleWaitOptions {
  /** Milliseconds until `ConsoleError`, Infinity allowed. @default 60_000 */
  readonly timeout?: number;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly pattern: RegExp;
  found(match: RegExpExecArray, before: string): void;
  failed(error: unknown): void;
}

/** Characters that are kept. */
const KEPT = 1024 * 1024;
/** Characters that may wait for a guest that does not read. */
const UNREAD_LIMIT = 1024 * 1024;
/** Characters of output that an error shows. */
const SHOWN = 1_000;

/** The first serial port of a VM. It is drained always, and ends with QEMU. */
export class SerialConsole {
  /** What the guest writes, as it comes, cut anywhere. Hot: what came before is not repeated. Completes when QEMU ends. */
  readonly output$: Observable<string>;
  readonly #name: string;
  readonly #socket: Socket;
  readonly #output = new HotSource<string>();
  readonly #waiters = new Set<Waiter>();
  /** What came after the latest match. */
  #text = '';
  #latest = '';
  #search: NodeJS.Timeout | undefined;
  #ended = false;
  #lastRun: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(name: string, socket: Socket) {
    this.#name = `${name}: console`;
    this.#socket = socket;
    this.output$ = this.#output.observable;
    socket.setEncoding('utf8');
    socket.on('data', (text: unknown) => {
      this.#take(text as string);
    });
    // What breaks is told by the end of the process.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#end();
    });
  }

  /**
   * Types text; a line feed is the Enter key.
   *
   * @throws ConsoleError if QEMU has ended, or if the guest has not read 1 MiB
   */
  write(text: string): void {
    if (typeof text !== 'string') throw new TypeError(`text must be a string, not ${show(text)}`);
    if (this.#ended) throw this.#error('has ended');
    if (this.#socket.writableLength + text.length > UNREAD_LIMIT) {
      throw this.#error(`the guest does not read it: ${this.#socket.writableLength} characters wait already`);
    }
    this.#socket.write(text);
  }

  /**
   * Resolves with the first match in what came since the end of the latest match, before the call too; in the beginning, since
   * the start. At most the latest 1 MiB is looked at.
   *
   * Rejects with `ConsoleError` or the signal's reason.
   */
  async waitFor(pattern: RegExp | string, options: ConsoleWaitOptions = {}): Promise<RegExpExecArray> {
    return (await this.#find(expressionOf(pattern), show(String(pattern)), options)).match;
  }

  /**
   * Runs a command in a POSIX shell that waits at its prompt on the console, in a `sh -c` of its own with nothing on stdin:
   * what it does to its directory and variables ends with it. Commands run one after the other. What others write to the
   * console meanwhile, the kernel say, is in the output, too.
   *
   * Rejects with `ConsoleError` or the signal's reason; the command is interrupted then, as by Ctrl-C.
   */
  run(command: string, options: ConsoleWaitOptions = {}): Promise<ShellResult> {
    const result = this.#lastRun.then(() => this.#run(command, options));
    this.#lastRun = result.catch(() => undefined);
    return result;
  }

  async #run(command: string, options: ConsoleWaitOptions): Promise<ShellResult> {
    const marked = markedCommand(command);
    options.signal?.throwIfAborted();
    this.write(marked.line);
    try {
      const { match, before } = await this.#find(marked.end, 'the end of the command', options);
      return marked.resultOf(before, match);
    } catch (error) {
      if (!this.#ended) this.write('\u0003');
      throw error;
    }
  }

  #find(
    pattern: RegExp,
    what: string,
    { timeout = 60_000, signal }: ConsoleWaitOptions,
  ): Promise<{ match: RegExpExecArray; before: string }> {
    checkTimeout('timeout', timeout);
    checkSignal('signal', signal);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        stopWatching?.();
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern,
        found: (match, before) => {
          settle();
          resolve({ match, before });
        },
        failed: (error) => {
          settle();
          reject(error);
        },
      };
      const stopWatching =
        signal &&
        whenAborted(signal, () => {
          waiter.failed(signal.reason);
        });
      const timer =
        timeout === Infinity
          ? undefined
          : setTimeout(() => {
              waiter.failed(this.#error(`${what} did not come within ${timeout} ms`));
            }, timeout);
      this.#waiters.add(waiter);
      this.#serve();
      if (this.#ended && this.#waiters.has(waiter)) waiter.failed(this.#error(`${what} did not come before it ended`));
    });
  }

  #take(text: string): void {
    this.#text = (this.#text + text).slice(-KEPT);
    this.#latest = (this.#latest + text).slice(-SHOWN);
    this.#output.next(text);
    // A guest writes a few characters at a time: the more there is to search, the less often it is done.
    if (this.#waiters.size > 0) {
      this.#search ??= setTimeout(() => {
        this.#serve();
      }, this.#text.length >> 15);
    }
  }

  /** In the order in which they began to wait. */
  #serve(): void {
    clearTimeout(this.#search);
    this.#search = undefined;
    for (const waiter of this.#waiters) {
      const match = waiter.pattern.exec(this.#text);
      if (!match) continue;
      const before = this.#text.slice(0, match.index);
      this.#text = this.#text.slice(match.index + match[0].length);
      waiter.found(match, before);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#serve();
    for (const waiter of this.#waiters) waiter.failed(this.#error('what was waited for did not come before it ended'));
    this.#output.end();
  }

  #error(what: string): ConsoleError {
    const last = this.#latest.slice(-200);
    const said = last === '' ? 'it said nothing' : `the last it said: ${JSON.stringify(last)}`;
    return new ConsoleError(`${this.#name}: ${what}; ${said}`, this.#latest);
  }
}

/** Without the flags that would make a pattern remember where it was. */
function expressionOf(pattern: RegExp | string): RegExp {
  if (typeof pattern === 'string') return new RegExp(pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  throw new TypeError(`pattern must be a regular expression or a string, not ${show(pattern)}`);
}
