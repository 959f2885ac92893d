import { ProtocolError } from './errors.js';

const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;
/** The opening bracket of each closing one. */
const OPENING: ReadonlyMap<number, number> = new Map([
  [125, 123],
  [93, 91],
]);

/**
 * Cuts what a client sends into JSON texts where they end, as QEMU does: with or without a line end, several in one chunk, one
 * spread over many lines or chunks. What is not JSON comes out, too, as soon as that is seen. Looks at each byte once.
 */
export class CommandCutter {
  readonly #limit: number;
  /** Chunks that have not been read to their end; of the first one, from {@link #at}. */
  readonly #unread: Uint8Array[] = [];
  #at = 0;
  /** The pieces of the text that has begun. */
  readonly #begun: Uint8Array[] = [];
  #begunBytes = 0;
  /** The brackets that are open, innermost last. */
  #open: number[] = [];
  #inString = false;
  #escaped = false;
  #inWord = false;

  /** @param limit of the bytes of one text */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a chunk, which must not change afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#unread.push(chunk);
  }

  /** The next text, or undefined until more has come. @throws ProtocolError if it is longer than the limit */
  next(): string | undefined {
    for (;;) {
      const [chunk] = this.#unread;
      if (!chunk) return undefined;
      if (!this.#begins) this.#skipSpace(chunk);
      const end = this.#endIn(chunk);
      const ended = end !== undefined;
      this.#begin(chunk.subarray(this.#at, end));
      this.#at = end ?? chunk.length;
      if (this.#at === chunk.length) {
        this.#unread.shift();
        this.#at = 0;
      }
      if (this.#begunBytes > this.#limit) {
        this.#take();
        throw new ProtocolError(`a command of more than ${this.#limit} bytes`);
      }
      if (ended) return this.#take();
    }
  }

  get #begins(): boolean {
    return this.#begunBytes > 0;
  }

  #skipSpace(chunk: Uint8Array): void {
    while (this.#at < chunk.length && isSpace(chunk[this.#at])) this.#at += 1;
  }

  #begin(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#begun.push(piece);
    this.#begunBytes += piece.length;
  }

  /** Where the text ends in this chunk, if it does. */
  #endIn(chunk: Uint8Array): number | undefined {
    for (let at = this.#at; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#inString) {
        // JSON has no line end in a string. This one may be the end of a client's mistake.
        if (byte < SPACE) return at + 1;
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#open.length === 0) return at + 1;
        }
      } else if (this.#inWord && !isOfWord(byte)) return at;
      else if (byte === QUOTE) this.#inString = true;
      else if (byte === 123 || byte === 91) this.#open.push(byte);
      else if (OPENING.has(byte)) {
        if (this.#open.pop() !== OPENING.get(byte) || this.#open.length === 0) return at + 1;
      } else if (this.#open.length === 0) {
        if (!isOfWord(byte)) return at + 1;
        this.#inWord = true;
      }
    }
    return undefined;
  }

  #take(): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const parts = this.#begun.splice(0).map((piece) => decoder.decode(piece, { stream: true }));
    this.#begunBytes = 0;
    this.#open = [];
    this.#inString = false;
    this.#escaped = false;
    this.#inWord = false;
    return parts.join('') + decoder.decode();
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 10 || byte === 13 || byte === 9;
}

/** True for the characters of numbers and keywords. */
function isOfWord(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 122) || [43, 45, 46, 95].includes(byte);
}
