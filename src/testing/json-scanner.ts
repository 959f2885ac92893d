/** A value that is no JSON; `desc` is QEMU's word for it. */
export class ParseError {
  constructor(readonly desc: string) {}
}

/** More than this without an end is no command. */
const LIMIT = 64 * 1024 * 1024;

const WORD = /[\w.+-]/;

/** Cuts a stream of text into JSON values where they end, newline or none, as QEMU does. */
export class JsonScanner {
  #text = '';
  #at = 0;
  /** The brackets that are open, innermost last. */
  #open = '';
  #inString = false;

  push(chunk: string): void {
    this.#text += chunk;
  }

  /** The next whole value, or what is wrong with it; undefined until more has come. */
  next(): { readonly value: unknown } | ParseError | undefined {
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text.charAt(this.#at);
      if (this.#inString) {
        if (character === '\\') this.#at += 1;
        else if (character === '"') {
          this.#inString = false;
          if (this.#open === '') return this.#take();
        }
      } else if (character === '"') this.#inString = true;
      else if (character === '{' || character === '[') this.#open += character;
      else if (character === '}' || character === ']') {
        if (this.#open.at(-1) !== (character === '}' ? '{' : '[')) return this.#take();
        this.#open = this.#open.slice(0, -1);
        if (this.#open === '') return this.#take();
      } else if (this.#open === '') {
        if (WORD.test(character)) {
          const following = this.#text.charAt(this.#at + 1);
          if (following === '') return undefined;
          if (!WORD.test(following)) return this.#take();
        } else if (/\s/.test(character)) this.#drop();
        else return this.#take();
      }
    }
    if (this.#text.length > LIMIT) return this.#take();
    return undefined;
  }

  #drop(): void {
    this.#text = this.#text.slice(this.#at + 1);
    this.#at = -1;
  }

  #take(): { readonly value: unknown } | ParseError {
    const text = this.#text.slice(0, this.#at + 1);
    this.#drop();
    this.#at = 0;
    this.#open = '';
    this.#inString = false;
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      return new ParseError(
        `JSON parse error, ${/^[a-z]+$/.test(text) ? `invalid keyword '${text}'` : 'expecting value'}`,
      );
    }
  }
}
