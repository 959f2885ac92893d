import type { Subscription } from 'rxjs';
import { isRecord } from '../foundation/checks.js';
import type { Connection } from '../transport/connection.js';

/** Receives what the agent sends. */
export interface AgentLineHost {
  received(chunk: Uint8Array): void;
  /** The end: in good order, or with the cause of a loss. */
  ended(cause?: unknown): void;
}

/** Lines are skipped until one is accepted. */
interface Search {
  accepts(line: Uint8Array): boolean;
  readonly found: (() => void) | undefined;
}

const NOTHING = new Uint8Array(0);
const LINE_FEED = 10;
/** Never part of JSON: it tells the parser of either side to forget what it has begun to read. */
const SENTINEL = 0xff;
/** Bytes; longer lines are not what is looked for. */
const LINE_LIMIT = 64 * 1024;

/**
 * The line to a guest agent, which outlives those who use it: there may be half a command of somebody else's in the agent's
 * parser, and replies to others on their way.
 */
export class AgentLine {
  readonly #wire: Connection;
  readonly #host: AgentLineHost;
  readonly #subscription: Subscription;
  #search: Search | undefined;
  /** The line that has begun while something is looked for, from its last sentinel on. */
  #begun: Uint8Array = NOTHING;
  /** What is to be sent once it is found. */
  #held: { readonly text: string; readonly sent: (() => void) | undefined }[] = [];

  constructor(wire: Connection, host: AgentLineHost) {
    this.#wire = wire;
    this.#host = host;
    this.#subscription = wire.incoming$.subscribe({
      next: (chunk) => {
        this.#take(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
      },
      error: (cause: unknown) => {
        this.#host.ended(cause ?? new Error('the line to the guest agent broke'));
      },
      complete: () => {
        this.#host.ended();
      },
    });
  }

  /** True until what is looked for has come. */
  get searching(): boolean {
    return this.#search !== undefined;
  }

  /** Puts the line in order: whatever comes before the answer to this question is skipped, and what is sent waits. */
  synchronise(found?: () => void): void {
    const number = 1 + Math.floor(Math.random() * 2 ** 48);
    const question = `{"execute":"guest-sync-delimited","arguments":{"id":${number}}}\n`;
    this.#find((line) => line[0] === SENTINEL && resultIn(line.subarray(1)) === number, found);
    // The sentinel is meant for this, but within a string an agent takes it for a character; a line feed ends the string.
    this.#wire.send(new Uint8Array([LINE_FEED, SENTINEL, ...new TextEncoder().encode(question)]));
  }

  /** Asks a question of our own on a line that is in order; the next line is its answer. */
  ask(command: string, found: (result: unknown) => void): void {
    let result: unknown;
    this.#find(
      (line) => {
        result = resultIn(line);
        return true;
      },
      () => {
        found(result);
      },
    );
    this.#wire.send(`{"execute":"${command}"}\n`);
  }

  /** @param sent is called when it has been written */
  send(text: string, sent?: () => void): void {
    if (this.#search) {
      this.#held.push({ text, sent });
      return;
    }
    this.#wire.send(text);
    sent?.();
  }

  /** Forgets what waits to be sent. */
  forget(): void {
    this.#held = [];
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#wire.close();
  }

  #find(accepts: (line: Uint8Array) => boolean, found?: () => void): void {
    this.#search = { accepts, found };
    this.#begun = NOTHING;
  }

  #take(chunk: Uint8Array): void {
    let rest = chunk;
    while (this.#search && rest.length > 0) {
      const end = rest.indexOf(LINE_FEED);
      this.#append(end < 0 ? rest : rest.subarray(0, end));
      if (end < 0) return;
      rest = rest.subarray(end + 1);
      const line = this.#begun;
      this.#begun = NOTHING;
      if (this.#search.accepts(line)) this.#found(this.#search);
    }
    if (rest.length > 0) this.#host.received(rest);
  }

  #append(part: Uint8Array): void {
    const sentinel = part.lastIndexOf(SENTINEL);
    const before = sentinel < 0 && this.#begun.length + part.length <= LINE_LIMIT ? this.#begun : NOTHING;
    const kept = sentinel < 0 ? part.subarray(0, LINE_LIMIT) : part.subarray(sentinel);
    const line = new Uint8Array(before.length + kept.length);
    line.set(before);
    line.set(kept, before.length);
    this.#begun = line;
  }

  #found({ found }: Search): void {
    this.#search = undefined;
    found?.();
    // What was found may have begun another search.
    for (const { text, sent } of this.#held.splice(0)) this.send(text, sent);
  }
}

/** What a reply says, or undefined if this is not one. */
function resultIn(line: Uint8Array): unknown {
  try {
    const reply: unknown = JSON.parse(new TextDecoder().decode(line));
    return isRecord(reply) ? reply['return'] : undefined;
  } catch {
    return undefined;
  }
}
