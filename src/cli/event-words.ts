import type { QmpClient } from '../client/qmp-client.js';
import { schemaOf } from '../client/schema.js';
import { knownNames } from '../protocol/qapi/known-names.js';
import { didYouMean } from './did-you-mean.js';
import { printable } from './terminal.js';
import { UsageError } from './usage-error.js';

/** What `--event` asks for: names of events, and patterns such as `BLOCK_*`. None of them means every event. */
export class EventWords {
  /** For a listener: a pattern can only be looked at once the event is there. */
  readonly names: readonly string[];
  readonly #patterns: readonly RegExp[];
  readonly #words: readonly string[];

  constructor(words: readonly string[]) {
    this.#words = words;
    this.#patterns = words.map(patternOf);
    this.names = words.some((word) => /[*?]/.test(word)) ? [] : words;
  }

  match(name: string): boolean {
    return this.#patterns.length === 0 || this.#patterns.some((pattern) => pattern.test(name));
  }

  /**
   * Asks the QEMU whether it has such events at all, where we do not know them: a wait for STPO never ends.
   *
   * @throws UsageError if it does not
   */
  async check(client: QmpClient): Promise<void> {
    const strange = this.#words.filter((word) => !knownNames.events.some((name) => patternOf(word).test(name)));
    if (strange.length === 0) return;
    // A recording answers only what it was asked then.
    const schema = await schemaOf(client).catch(() => undefined);
    if (schema === undefined) return;
    for (const word of strange) {
      if (schema.events.some((name) => patternOf(word).test(name))) continue;
      throw new UsageError(printable(`${client.name} has no event ${word}${didYouMean(word, schema.events)}`));
    }
  }

  /** What is heard, for people. */
  get text(): string {
    return this.#words.length === 0 ? 'every event' : this.#words.join(', ');
  }
}

function patternOf(word: string): RegExp {
  const escaped = word.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
