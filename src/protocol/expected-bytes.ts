const WORD = 4;

/** Bytes that must stand at a place. Compares them four at a time: 5 % of the wire. */
export class ExpectedBytes {
  readonly #length: number;
  readonly #words: Int32Array;
  readonly #lastWord: number;

  /** @param text at least four characters, each of one byte */
  constructor(text: string) {
    const { buffer } = new TextEncoder().encode(text);
    const view = new DataView(buffer);
    this.#length = text.length;
    this.#words = Int32Array.from({ length: Math.floor(text.length / WORD) }, (_, index) =>
      view.getInt32(index * WORD),
    );
    this.#lastWord = view.getInt32(text.length - WORD);
  }

  /**
   * The place after them; -1 where there are others, or if `place` is negative.
   *
   * @param size of `bytes`, whose own `byteLength` costs a call
   */
  skip(bytes: DataView, size: number, place: number): number {
    const end = place + this.#length;
    if (place < 0 || end > size) return -1;
    for (let index = 0; index < this.#words.length; index += 1) {
      if (bytes.getInt32(place + index * WORD) !== this.#words[index]) return -1;
    }
    // Overlaps the word before it unless their number is a multiple of four.
    return bytes.getInt32(end - WORD) === this.#lastWord ? end : -1;
  }
}
