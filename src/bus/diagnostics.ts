import type { Observable } from 'rxjs';
import type { Logger } from '../foundation/logger.js';
import type { QmpEvent } from '../protocol/message.js';
import type { ProtocolDiagnostic } from '../protocol/diagnostic.js';
import type { EventListener } from './event-listener.js';
import { HotSource } from '../foundation/hot-source.js';
import { textOf } from '../foundation/text.js';
import { NoiseLimit } from './noise-limit.js';

/** The `accept`, filter, `put` or `onLag` of a listener threw, or answered with a promise. */
export interface ListenerFault {
  /** Tells this diagnostic from the others. */
  readonly kind: 'listener-fault';
  /** What happened, in a sentence. */
  readonly message: string;
  /** The listener that was at fault. */
  readonly listener: EventListener;
  /** What it threw, or what its promise was rejected with. */
  readonly error: unknown;
  /** The event that this listener missed; unknown where a promise was rejected later. */
  readonly event?: QmpEvent;
}

/** The reconnect policy threw, or gave no time that a timer can wait. */
export interface PolicyFault {
  /** Tells this diagnostic from the others. */
  readonly kind: 'policy-fault';
  /** What happened, in a sentence. */
  readonly message: string;
  /** What the policy threw, or what is wrong with its answer. */
  readonly error: unknown;
}

/** Something that went wrong and that the bus survived. `message` says it in a sentence. */
export type Diagnostic = ListenerFault | PolicyFault | Suppressed | ProtocolDiagnostic;

/**
 * Says how many diagnostics that a server caused were held back. Comes before the next of their kind, or at the end of the
 * session.
 */
export interface Suppressed {
  /** Tells this diagnostic from the others. */
  readonly kind: 'suppressed';
  /** What happened, in a sentence. */
  readonly message: string;
  /** The kind of the diagnostics that were held back. */
  readonly of: ProtocolDiagnostic['kind'];
  /** How many of them were held back since the last such notice. */
  readonly count: number;
}

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
  /** A server that sends nothing but rubbish must not fill a disk. */
  readonly #noise = new NoiseLimit<ProtocolDiagnostic['kind']>(DIAGNOSTICS_A_SECOND);
  readonly #loggedNoise = new NoiseLimit<ProtocolDiagnostic['kind']>(LINES_A_SECOND);

  constructor(bus: string, logger: Logger | undefined) {
    this.#bus = bus;
    this.#logger = logger;
    this.observable = this.#view.observable;
  }

  report(diagnostic: Diagnostic): void {
    const { kind } = diagnostic;
    if (kind === 'listener-fault' || kind === 'policy-fault' || kind === 'suppressed') {
      this.#tell(diagnostic);
      this.#show(diagnostic);
      return;
    }
    if (this.#loggedNoise.admits(kind)) {
      this.#logSuppressed(kind, this.#loggedNoise.takeSuppressed(kind));
      this.#tell(diagnostic);
    }
    if (this.#noise.admits(kind)) {
      this.#showSuppressed(kind, this.#noise.takeSuppressed(kind));
      this.#show(diagnostic);
    }
  }

  /** Tells how many were held back since the last time. */
  flush(): void {
    for (const kind of this.#loggedNoise.kinds) this.#logSuppressed(kind, this.#loggedNoise.takeSuppressed(kind));
    for (const kind of this.#noise.kinds) this.#showSuppressed(kind, this.#noise.takeSuppressed(kind));
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
    else if (!this.#view.observed) this.#tellOnce(diagnostic, text);
  }

  #show(diagnostic: Diagnostic): void {
    this.#view.next(diagnostic);
  }

  #logSuppressed(kind: ProtocolDiagnostic['kind'], count: number): void {
    if (count > 0 && this.#logger) this.#log('warn', `${this.#bus}: ${suppressed(kind, count).message}`);
  }

  #showSuppressed(kind: ProtocolDiagnostic['kind'], count: number): void {
    if (count > 0) this.#show(suppressed(kind, count));
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

function suppressed(of: ProtocolDiagnostic['kind'], count: number): Suppressed {
  return { kind: 'suppressed', message: `${count} more of the kind ${of} came and are not shown`, of, count };
}
