/** Writes XDR (RFC 4506): big endian, everything in units of four bytes. */
export class XdrWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value | 0);
    this.#parts.push(bytes);
    return this;
  }

  string(text: string): this {
    const bytes = Buffer.from(text);
    this.int(bytes.length);
    this.#parts.push(bytes, Buffer.alloc(-bytes.length & 3));
    return this;
  }

  /** Something that may be absent: here it is not. */
  present(): this {
    return this.int(1);
  }

  absent(): this {
    return this.int(0);
  }

  /** What is XDR already. */
  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads XDR. @throws RangeError where there is less than what is read */
export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(): number {
    return this.take(4).readInt32BE();
  }

  unsigned(): number {
    return this.take(4).readUInt32BE();
  }

  hyper(): number {
    return Number(this.take(8).readBigInt64BE());
  }

  string(): string {
    const length = this.unsigned();
    const text = this.take(length).toString();
    this.take(-length & 3);
    return text;
  }

  optionalString(): string | undefined {
    return this.int() === 0 ? undefined : this.string();
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      throw new RangeError(`${length} bytes are announced and ${this.#bytes.length - this.#at} are there`);
    }
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
