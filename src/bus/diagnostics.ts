import type { Observable } from 'rxjs';
import type { Logger } from '../foundation/logger.js';
import { HotSource } from '../foundation/hot-source.js';
import { textOf } from '../foundation/text.js';
import type { Diagnostic } from './diagnostic.js';
import { NoiseLimit } from './noise-limit.js';

/** Of one kind. */
const DIAGNOSTICS_A_SECOND = 100;
const LINES_A_SECOND = 10;

/** Tells subscribers and the logger; where nobody watches either, the console, once per kind and listener. */
export class Diagnostics {
  readonly observable: Observable<Diagnostic>;
  readonly #view = new HotSource<Diagnostic>();
  readonly #logger: Logger | undefined;
  readonly #bus: string;
  readonly #told = new WeakMap<object, Set<string>>();
  /** Where diagnostics go. A server that sends nothing but rubbish must not fill a disk. */
  readonly #ways = [
    new NoiseLimit(LINES_A_SECOND, (diagnostic) => {
      this.#tell(diagnostic);
    }),
    new NoiseLimit(DIAGNOSTICS_A_SECOND, (diagnostic) => {
      this.#view.next(diagnostic);
    }),
  ];

  constructor(bus: string, logger: Logger | undefined) {
    this.#bus = bus;
    this.#logger = logger;
    this.observable = this.#view.observable;
  }

  report(diagnostic: Diagnostic): void {
    for (const way of this.#ways) way.report(diagnostic);
  }

  /** Tells how many were held back since the last time. */
  flush(): void {
    for (const way of this.#ways) way.flush();
  }

  debug(message: () => string): void {
    if (this.#logger) this.#log('debug', `${this.#bus}: ${message()}`);
  }

  end(): void {
    this.flush();
    this.#view.end();
  }

  #tell(diagnostic: Diagnostic): void {
    const text = `${this.#bus}: ${diagnostic.message}`;
    if (this.#logger) this.#log('warn', text);
    else if (!this.#view.observed && diagnostic.kind !== 'suppressed') this.#tellOnce(diagnostic, text);
  }

  #tellOnce(diagnostic: Diagnostic, text: string): void {
    const about = diagnostic.kind === 'listener-fault' ? diagnostic.listener : this;
    const kinds = this.#told.get(about) ?? new Set();
    if (kinds.has(diagnostic.kind)) return;
    this.#told.set(about, kinds.add(diagnostic.kind));
    console.warn(`${text} (said once; watch diagnostics$ or pass a logger to see all)`);
  }

  #log(level: 'debug' | 'warn', text: string): void {
    try {
      this.#logger?.[level](text);
    } catch (error) {
      console.warn(`${this.#bus}: the logger threw ${textOf(error)} on: ${text}`);
    }
  }
}
