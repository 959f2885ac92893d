import type { Observable } from 'rxjs';
import type { Logger } from '../foundation/logger.js';
import type { Message, QmpEvent } from '../protocol/message.js';
import type { ProtocolDiagnostic } from '../protocol/diagnostic.js';
import type { EventListener } from './event-listener.js';
import { HotSource } from '../foundation/hot-source.js';
import { textOf } from '../foundation/text.js';

/** The `accept`, filter, `put` or `onLag` of a listener threw, or answered with a promise. */
export interface ListenerFault {
  readonly kind: 'listener-fault';
  readonly message: string;
  readonly listener: EventListener;
  readonly error: unknown;
  /** The event that this listener missed; unknown where a promise was rejected later. */
  readonly event?: QmpEvent;
}

/** A message had an `event` that is no string. */
export interface NotAnEvent {
  readonly kind: 'not-an-event';
  readonly message: string;
  readonly received: Message;
}

/** The reconnect policy threw, or gave no time that a timer can wait. */
export interface PolicyFault {
  readonly kind: 'policy-fault';
  readonly message: string;
  readonly error: unknown;
}

/** Something that went wrong and that the bus survived. `message` says it in a sentence. */
export type Diagnostic = ListenerFault | NotAnEvent | PolicyFault | ProtocolDiagnostic;

export function notAnEvent(received: Message): NotAnEvent {
  return { kind: 'not-an-event', message: 'an event whose name is no string was dropped', received };
}

/** Tells subscribers and the logger; where nobody watches either, the console, once per kind and listener. */
export class Diagnostics {
  readonly observable: Observable<Diagnostic>;
  readonly #view = new HotSource<Diagnostic>();
  readonly #logger: Logger | undefined;
  readonly #bus: string;
  readonly #told = new WeakMap<object, Set<string>>();

  constructor(bus: string, logger: Logger | undefined) {
    this.#bus = bus;
    this.#logger = logger;
    this.observable = this.#view.observable;
  }

  report(diagnostic: Diagnostic): void {
    const text = `${this.#bus}: ${diagnostic.message}`;
    if (this.#logger) this.#log('warn', text);
    else if (!this.#view.observed) this.#tellOnce(diagnostic, text);
    this.#view.next(diagnostic);
  }

  debug(message: () => string): void {
    if (this.#logger) this.#log('debug', `${this.#bus}: ${message()}`);
  }

  end(): void {
    this.#view.end();
  }

  #tellOnce(diagnostic: Diagnostic, text: string): void {
    const about = diagnostic.kind === 'listener-fault' ? diagnostic.listener : this;
    const kinds = this.#told.get(about) ?? new Set();
    if (kinds.has(diagnostic.kind)) return;
    this.#told.set(about, kinds.add(diagnostic.kind));
    console.warn(`${text} (said once; watch diagnostics$ or pass a logger to see all)`);
  }

  #log(level: keyof Logger, text: string): void {
    try {
      this.#logger?.[level](text);
    } catch (error) {
      console.warn(`${this.#bus}: the logger threw ${textOf(error)} on: ${text}`);
    }
  }
}
