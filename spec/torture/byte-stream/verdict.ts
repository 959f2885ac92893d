/** What a session should come to. */
export interface Verdict {
  /** Each event as JSON, and the kind of each diagnostic, in order. */
  readonly log: string[];
  /** How each command of ours ended; none are sent before the session runs. */
  readonly commands: string[];
  readonly connected: boolean;
  /** Whether the server went too far. */
  readonly protocolError: boolean;
}

export const COMMANDS = 12;

const EVENT_BYTES = 64 * 1024;
const BAD_LINES = 1_000;
const ON_THE_WIRE = 8;

type Json = Record<string, unknown>;

/** The rules of QMP and of C2 to C6, told in the plainest way: all bytes at hand, line by line, without regard to cost. */
export class Judge {
  readonly #log: string[] = [];
  readonly #outcomes = new Map<unknown, string>();
  readonly #onTheWire = new Set<unknown>();
  #waiting: number[] = [];
  #oob = false;
  #greeted = false;
  #connected = false;
  #ended: 'by us, for its greeting' | 'by ProtocolError' | undefined;
  readonly #longest: number;

  /** @param longest a line of more bytes ends the session */
  constructor(longest: number) {
    this.#longest = longest;
  }

  judge(stream: Buffer): Verdict {
    const lines = stream.toString('utf8').split('\n');
    const rest = (lines.pop() ?? '').replace(/\r$/, '');
    let bad = 0;
    for (const line of lines.map((one) => one.replace(/\r$/, ''))) {
      if (Buffer.byteLength(line) > this.#longest) this.#ended = 'by ProtocolError';
      if (this.#ended) break;
      if (isBlank(line)) continue;
      const message = objectIn(line);
      bad = message ? 0 : bad + 1;
      if (message) this.#hear(message, line);
      else if (this.#greeted) this.#log.push('bad-line');
      else this.#ended = 'by us, for its greeting';
      if (bad === BAD_LINES) this.#ended = 'by ProtocolError';
      if (this.#ended) break;
    }
    if (!this.#ended && Buffer.byteLength(rest) > this.#longest) this.#ended = 'by ProtocolError';
    if (!this.#ended && !isBlank(rest)) {
      const message = objectIn(rest);
      if (message) this.#hear(message, rest);
      else this.#log.push('half-message');
    }
    for (const id of [...this.#onTheWire, ...this.#waiting]) this.#outcomes.set(id, 'ExecInterruptedError');
    return {
      log: this.#log,
      commands: this.#connected ? Array.from({ length: COMMANDS }, (_, at) => this.#outcomes.get(at + 2) ?? '?') : [],
      connected: this.#connected,
      protocolError: this.#ended === 'by ProtocolError',
    };
  }

  #hear(message: Json, line: string): void {
    const bytes = Buffer.byteLength(line.replace(/^[ \t\r]+/, ''));
    if (typeof message['event'] === 'string') {
      this.#log.push(bytes > EVENT_BYTES ? 'event-too-large' : JSON.stringify(message));
    } else if (Object.hasOwn(message, 'event')) this.#log.push('not-an-event');
    else if (!this.#greeted) this.#greet(message);
    else if (Object.hasOwn(message, 'return') || Object.hasOwn(message, 'error')) this.#reply(message);
    else this.#log.push('unknown-message');
  }

  #greet(message: Json): void {
    const { version, capabilities } = (message['QMP'] ?? {}) as { version?: { qemu?: Json }; capabilities?: unknown };
    const numbers = ['major', 'minor', 'micro'].every((part) => typeof version?.qemu?.[part] === 'number');
    const names = Array.isArray(capabilities) && capabilities.every((name) => typeof name === 'string');
    if (!numbers || !names) {
      this.#ended = 'by us, for its greeting';
      return;
    }
    this.#greeted = true;
    this.#oob = capabilities.includes('oob');
    this.#onTheWire.add(1);
  }

  #reply(message: Json): void {
    const good = Object.hasOwn(message, 'return');
    const [only] = this.#onTheWire.size === 1 && !good ? this.#onTheWire : [];
    const id = Object.hasOwn(message, 'id') ? message['id'] : only;
    if (!this.#onTheWire.delete(id)) {
      this.#log.push(Object.hasOwn(message, 'id') ? 'unknown-id' : 'error-without-id');
      return;
    }
    if (id !== 1) this.#outcomes.set(id, good ? 'done' : 'ExecuteError');
    else if (good) {
      this.#connected = true;
      this.#waiting = Array.from({ length: COMMANDS }, (_, at) => at + 2);
    }
    const room = this.#oob ? ON_THE_WIRE - this.#onTheWire.size : COMMANDS;
    for (const next of this.#waiting.splice(0, room)) this.#onTheWire.add(next);
  }
}

function isBlank(line: string): boolean {
  return /^[ \t\r]*$/.test(line);
}

function objectIn(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
