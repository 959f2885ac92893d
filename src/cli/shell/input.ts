import { parseArguments } from '../command-arguments.js';
import { requestFrom, type Request } from '../command-input.js';
import { UsageError } from '../usage-error.js';
import { plainWord, wordsOf } from './words.js';

/** What a line, or several, ask for. */
export type Asked =
  | { readonly kind: 'nothing' | 'exit' }
  | { readonly kind: 'help'; readonly command: string | undefined }
  | { readonly kind: 'command'; readonly request: Request };

const NOTHING: Asked = { kind: 'nothing' };

interface Action {
  readonly type: string;
  readonly data: object;
}

/**
 * Reads what is typed line by line: a command with `key=value` or JSON, a whole command in JSON, `hmp …`, `help …`, `exit`, and the
 * actions of a transaction between `transaction(` and `)`.
 */
export class Input {
  /** The lines of a command whose brackets are still open. */
  #begun = '';
  #actions: Action[] | undefined;

  /** Whether the next line goes on with what has been begun. */
  get isOpen(): boolean {
    return this.#begun !== '' || this.#actions !== undefined;
  }

  /** Whether the actions of a transaction are being typed. */
  get inTransaction(): boolean {
    return this.#actions !== undefined;
  }

  /** Forgets what has been begun. */
  clear(): void {
    this.#begun = '';
    this.#actions = undefined;
  }

  /** @throws UsageError | InvalidArgumentError if it cannot be read */
  take(line: string): Asked {
    const text = this.#begun === '' ? line.trim() : `${this.#begun}\n${line}`;
    this.#begun = '';
    if (text === '') return NOTHING;
    const [, command] = /^hmp\s+(.*)$/s.exec(text) ?? [];
    if (command !== undefined && !this.#actions) return commanded('human-monitor-command', { 'command-line': command });
    const { words, open } = wordsOf(text);
    if (open) {
      this.#begun = text;
      return NOTHING;
    }
    return this.#actions ? this.#action(text, words) : this.#command(text, words);
  }

  #command(text: string, words: readonly string[]): Asked {
    const [name = '', ...rest] = words;
    if (text.startsWith('{')) return { kind: 'command', request: requestFrom(text) };
    if (text === 'exit') return { kind: 'exit' };
    if (name === 'help') return { kind: 'help', command: rest[0] };
    if (/^transaction\s*\($/.test(text)) {
      this.#actions = [];
      return NOTHING;
    }
    return commanded(name, parseArguments(rest.map(plainWord)));
  }

  #action(text: string, words: readonly string[]): Asked {
    const actions = this.#actions ?? [];
    if (text === ')') {
      this.#actions = undefined;
      return actions.length === 0 ? NOTHING : commanded('transaction', { actions });
    }
    const [type = '', ...rest] = words;
    if (type.startsWith('{')) {
      throw new UsageError('an action is its type and its data: blockdev-snapshot-sync node-name=a …');
    }
    actions.push({ type, data: parseArguments(rest.map(plainWord)) ?? {} });
    return NOTHING;
  }
}

function commanded(command: string, args: Record<string, unknown> | undefined): Asked {
  return { kind: 'command', request: { command, args } };
}
