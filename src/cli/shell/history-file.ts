import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { textOf } from '../../foundation/text.js';

/** Lines that are kept. */
export const HISTORY_LIMIT = 1_000;

/**
 * The lines of former shells, in `$XDG_STATE_HOME/rx-qmp/history`, else `~/.local/state/rx-qmp/history`, for its owner's eyes only. A
 * file that cannot be read or written is no reason not to work: it is told once.
 */
export class HistoryFile {
  readonly #path: string;
  readonly #complain: (text: string) => void;
  #works = true;

  constructor(complain: (text: string) => void) {
    const state = process.env['XDG_STATE_HOME'];
    this.#path = join(state ?? join(homedir(), '.local', 'state'), 'rx-qmp', 'history');
    this.#complain = complain;
  }

  /** Oldest first. What is beyond the limit is dropped from the file, too. */
  read(): string[] {
    return (
      this.#try(() => {
        mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
        appendFileSync(this.#path, '', { mode: 0o600 });
        const lines = readFileSync(this.#path, 'utf8').split('\n').slice(0, -1);
        if (lines.length > 2 * HISTORY_LIMIT) {
          writeFileSync(this.#path, `${lines.slice(-HISTORY_LIMIT).join('\n')}\n`, { mode: 0o600 });
        }
        return lines.slice(-HISTORY_LIMIT);
      }) ?? []
    );
  }

  add(line: string): void {
    if (!this.#works) return;
    this.#try(() => {
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    });
  }

  #try<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#works = false;
      this.#complain(`the history is not kept: ${textOf(error)}`);
      return undefined;
    }
  }
}
