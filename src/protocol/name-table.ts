const SLOTS = 1024;
/** Twice the longest name that QEMU has; a longer one is left to `JSON.parse`. */
const NAME_BYTES = 64;
const QUOTE = 34;
const BACKSLASH = 92;

/** One string for each name, however often it comes. Its size is fixed: a new name may take the place of another. */
export class NameTable {
  readonly #names = new Array<string>(SLOTS).fill('');
  readonly #bytes = new Array<Uint8Array>(SLOTS).fill(new Uint8Array(0));
  /** The name that the last {@link find} came upon. */
  found = '';

  /** The place of the quote that ends a name in which every byte stands for itself, or -1. */
  find(bytes: Uint8Array, from: number): number {
    if (from < 0) return -1;
    let hash = 0;
    let to = from;
    const limit = Math.min(bytes.length, from + NAME_BYTES + 1);
    for (; to < limit; to += 1) {
      const byte = bytes[to] as number;
      if (byte === QUOTE) break;
      if (byte < 32 || byte > 126 || byte === BACKSLASH) return -1;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (to === limit) return -1;
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1);
    if (!isAt(bytes, from, to, this.#bytes[slot] as Uint8Array)) {
      // Copies: the chunk's memory may be used again, and a slice of its text would keep the whole chunk alive.
      this.#bytes[slot] = new Uint8Array(bytes.subarray(from, to));
      this.#names[slot] = String.fromCharCode(...bytes.subarray(from, to));
    }
    this.found = this.#names[slot] as string;
    return to;
  }
}

function isAt(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (name.length !== to - from) return false;
  for (let index = 0; index < name.length; index += 1) if (bytes[from + index] !== name[index]) return false;
  return true;
}
