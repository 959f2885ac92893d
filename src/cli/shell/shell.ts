import { createInterface, type Interface } from 'node:readline';
import { InvalidArgumentError } from 'commander';
import type { QmpClient } from '../../client/qmp-client.js';
import { schemaOf, type QmpSchema } from '../../client/schema.js';
import { timeOf, type QmpEvent } from '../../protocol/message.js';
import type { Request } from '../command-input.js';
import { clock } from '../event-line.js';
import { executeTold } from '../execute-told.js';
import { resultText } from '../result-text.js';
import { jsonLine, note, paint, printable } from '../terminal.js';
import { complete } from './completer.js';
import { helpText } from './help.js';
import { hmpWords } from './hmp-words.js';
import { HISTORY_LIMIT, HistoryFile } from './history-file.js';
import { Input } from './input.js';
import { leaveTyped, writeAbove } from './terminal-line.js';

const PROMPT = '(QEMU) ';
const GOES_ON = '...... ';

/** Reads lines, runs what they say, and shows events as they come, until the input or the VM ends. */
export class Shell {
  readonly #client: QmpClient;
  readonly #input = new Input();
  readonly #line: Interface;
  readonly #history: HistoryFile | undefined;
  #schema: QmpSchema | undefined;
  #hmp: readonly string[] = [];
  /** Aborts the command that runs; there is none while a line is being typed. */
  #running: AbortController | undefined;
  #failed = false;

  constructor(client: QmpClient) {
    this.#client = client;
    const { stdin: input, stdout: output } = process;
    const terminal = input.isTTY && output.isTTY;
    if (terminal) this.#history = new HistoryFile(note);
    this.#line = createInterface({
      input,
      output,
      terminal,
      prompt: terminal ? PROMPT : '',
      completer: (text: string) =>
        this.#schema ? complete(this.#schema, text, this.#input.inTransaction, this.#hmp) : [[], text],
      history: this.#history?.read().reverse() ?? [],
      historySize: HISTORY_LIMIT,
      removeHistoryDuplicates: true,
    });
    this.#line.on('SIGINT', () => {
      this.#interrupt();
    });
  }

  /**
   * Resolves with whether all commands succeeded, as far as they were read from a file or a pipe. Rejects with the loss of the
   * connection, and with the signal's reason.
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const end = (): void => {
      this.#line.close();
    };
    let lost: unknown;
    signal.addEventListener('abort', end, { once: true });
    const events = this.#client.observe().subscribe({
      next: (event) => {
        this.#show(eventText(event));
      },
      error: (cause: unknown) => {
        lost = cause;
        end();
      },
      complete: end,
    });
    try {
      // Lines that come while a command runs wait in the iterator.
      const lines = this.#line[Symbol.asyncIterator]();
      this.#schema = await schemaOf(this.#client).catch(() => undefined);
      if (this.#history) this.#hmp = await hmpWords(this.#client);
      this.#ask();
      for (;;) {
        const next = await lines.next();
        if (next.done === true) {
          // The prompt still stands there.
          if (this.#line.terminal) this.#print('');
          break;
        }
        if (!(await this.#take(next.value))) break;
        this.#ask();
      }
    } finally {
      signal.removeEventListener('abort', end);
      events.unsubscribe();
      end();
    }
    signal.throwIfAborted();
    if (lost !== undefined) throw lost as Error;
    if (this.#client.state.phase === 'closed') note(`${this.#client.name}: the VM has quit`);
    return this.#line.terminal || !this.#failed;
  }

  #ask(): void {
    if (!this.#line.terminal) return;
    this.#line.setPrompt(this.#input.isOpen ? GOES_ON : PROMPT);
    this.#line.prompt();
  }

  /** @returns false if that was the last line */
  async #take(line: string): Promise<boolean> {
    const begins = !this.#input.isOpen || this.#input.inTransaction;
    try {
      const asked = this.#input.take(line);
      if (begins) this.#remember(line);
      if (asked.kind === 'exit') return false;
      if (asked.kind === 'help') this.#print(helpText(this.#schema, asked.command));
      if (asked.kind === 'command') await this.#execute(asked.request);
    } catch (error) {
      this.#failed = true;
      if (begins && error instanceof InvalidArgumentError) this.#remember(line);
      note(paint('red', printable((error as Error).message), process.stderr));
    }
    return this.#client.state.phase === 'ready';
  }

  async #execute(request: Request): Promise<void> {
    this.#running = new AbortController();
    const { signal } = this.#running;
    try {
      this.#print(resultText(await executeTold(this.#client, request, signal), true));
    } catch (error) {
      if (signal.aborted) throw new Error(`not waited for; ${request.command} may still run`, { cause: error });
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  #interrupt(): void {
    if (this.#running) {
      this.#running.abort();
      return;
    }
    const hadText = this.#line.line !== '' || this.#input.isOpen;
    this.#input.clear();
    leaveTyped(this.#line, process.stdout, hadText ? '^C' : '^C (exit or Ctrl-D leaves; the VM goes on)');
    this.#ask();
  }

  /** An event: above the line that is being typed, or between the results. */
  #show(text: string): void {
    if (this.#running || !this.#line.terminal) this.#print(text);
    else writeAbove(this.#line, process.stdout, text);
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  #remember(line: string): void {
    const isPrivate = line.startsWith(' ') || SECRET.test(line);
    if (line.trim() !== '' && !isPrivate) this.#history?.add(line);
  }
}

/** What may hold a secret is not written to a file, nor is a line that begins with a blank, as in bash. */
const SECRET = /passw|passphrase|secret|token/i;

function eventText(event: QmpEvent): string {
  const data = event.data === undefined ? '' : ` ${jsonLine(event.data)}`;
  return `${paint('gray', clock(timeOf(event)))} ${paint('cyan', printable(event.event))}${data}`;
}
