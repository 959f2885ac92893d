const LINE_END = Uint8Array.of(10);

const LINE_FEED = 10;
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Cuts a stream of JSON texts after each of them. A line-based reader then understands what QEMU does: commands without a
 * line end, several in one line, and one spread over many lines or frames. Looks at each byte once.
 */
export class CommandCutter {
  readonly #out: (bytes: Uint8Array) => void;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param out takes pieces that end with a line end after each JSON text, and have none inside of it */
  constructor(out: (bytes: Uint8Array) => void) {
    this.#out = out;
  }

  /** Changes `bytes`, and passes parts of them on. */
  push(bytes: Uint8Array): void {
    let from = 0;
    for (let place = 0; place < bytes.length; place += 1) {
      const byte = bytes[place] as number;
      if (this.#inString) this.#readString(byte);
      else if (byte === QUOTE) this.#inString = this.#depth > 0;
      else if (isOpening(byte)) this.#depth += 1;
      else if (byte === LINE_FEED && this.#depth > 0) bytes[place] = SPACE;
      else if (isClosing(byte) && this.#depth > 0) {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        this.#out(bytes.subarray(from, place + 1));
        this.#out(LINE_END);
        from = place + 1;
      }
    }
    if (from < bytes.length) this.#out(bytes.subarray(from));
    // Rubbish between two texts is seen at once.
    if (this.#depth === 0) this.#out(LINE_END);
  }

  #readString(byte: number): void {
    if (byte === LINE_FEED) {
      // No JSON: let the reader see it, and begin anew.
      this.#inString = false;
      this.#escaped = false;
      this.#depth = 0;
    } else if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }
}

function isOpening(byte: number): boolean {
  return byte === 123 || byte === 91;
}

function isClosing(byte: number): boolean {
  return byte === 125 || byte === 93;
}
