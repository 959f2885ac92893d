import { isRecord } from '../foundation/checks.js';
import { excerpt, shorten } from '../foundation/text.js';
import { ProtocolError } from './errors.js';
import type { ProtocolDiagnostic, ServerFault } from './diagnostic.js';
import { EventBatch, type Batch } from './event-batch.js';
import { findRounded, parseExact } from './json.js';
import { mayHoldLongInteger } from './long-integers.js';
import { isEvent } from './message.js';

export interface FramingOptions {
  /** Stands in errors: whose bytes these are. */
  readonly name: string;
  /** A longer line ends the session, its end not counted. */
  readonly maxMessageBytes: number;
  readonly integers: 'number' | 'exact';
}

export interface FramingSink {
  /** One JSON object, and its text as it came, without the line end. The text shares the chunk's memory: do not keep it. */
  message(message: object, text: string): void;
  /** Is offered each line that is not read in a batch, before it is parsed; true if it took it. */
  unparsed?(line: string): boolean;
  diagnostic(diagnostic: ProtocolDiagnostic): void;
}

/** An event larger than this is no event that QEMU has. */
const EVENT_BYTES = 64 * 1024;
/** A server that sends so much rubbish in a row is no QMP server. */
const BAD_LINES = 1_000;

/** The largest buffer kept for the next message: as much as sockets usually deliver at once. */
const CHUNK_BYTES = 64 * 1024;

const NOTHING = new Uint8Array(0);
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const OPENING_BRACE = 123;
/** Stands for bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD';

/**
 * Bytes to messages: one JSON object per line, ended by `\n` or `\r\n`, however the chunks fall. Its cost is linear in the
 * bytes; what it keeps of a chunk it copies, so the chunk's memory may be used again.
 */
export class Framing {
  readonly #options: FramingOptions;
  readonly #sink: FramingSink;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #encoder = new TextEncoder();
  /** Holds the bytes of a line that has not ended yet, at its beginning. Grows by doubling: any number of chunks costs the same. */
  #begun = NOTHING;
  #begunBytes = 0;
  /** The first half of a character that two chunks of text share. */
  #halfCharacter = '';
  #badLines = 0;
  #ended = false;
  readonly #batch: EventBatch | undefined;

  /** @param batching false parses line by line only, to compare */
  constructor(options: FramingOptions, sink: FramingSink, batching = true) {
    // A byte that is no UTF-8 is decoded to a character that would take three.
    const longest = Math.floor(Math.min(EVENT_BYTES, options.maxMessageBytes) / 3);
    if (batching) this.#batch = new EventBatch(longest);
    this.#options = options;
    this.#sink = sink;
  }

  /** @throws ProtocolError when the session must end for what came */
  push(chunk: Uint8Array | string): void {
    const bytes = typeof chunk === 'string' ? this.#encode(chunk) : chunk;
    const last = bytes.lastIndexOf(LINE_FEED);
    let from = 0;
    if (last >= 0 && this.#begunBytes > 0) {
      from = bytes.indexOf(LINE_FEED) + 1;
      this.#begin(bytes.subarray(0, from));
      this.#lines(this.#takeBegun());
    }
    if (from <= last) this.#lines(bytes.subarray(from, last + 1));
    if (last + 1 < bytes.length) {
      const ends = bytes.at(-1) === CARRIAGE_RETURN ? 1 : 0;
      this.#checkSize(this.#begunBytes + bytes.length - (last + 1) - ends);
      this.#begin(bytes.subarray(last + 1));
    }
  }

  /** The connection has ended: what was begun is a whole message or a diagnostic. */
  end(): void {
    if (this.#ended) return;
    if (this.#halfCharacter !== '') this.#begin(this.#encoder.encode(this.#halfCharacter));
    const rest = this.#decoder.decode(this.#takeBegun());
    const to = lineTo(rest, rest.length);
    this.#checkLine(rest, 0, to, Infinity);
    const from = skipBlanks(rest, 0, to);
    if (from === to) return;
    const text = rest.slice(from, to);
    const message = this.#parse(text);
    if (message) this.#deliver(message, text);
    else this.#report('half-message', `the connection ended inside a message: ${excerpt(text)}`);
  }

  /** Nothing is delivered any more, not even of the chunk at hand. */
  stop(): void {
    this.#ended = true;
  }

  #encode(chunk: string): Uint8Array {
    const text = this.#halfCharacter + chunk;
    const whole = /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length;
    this.#halfCharacter = text.slice(whole);
    return this.#encoder.encode(text.slice(0, whole));
  }

  #begin(bytes: Uint8Array): void {
    const length = this.#begunBytes + bytes.length;
    if (length > this.#begun.length) {
      const bigger = new Uint8Array(Math.max(length, this.#begun.length * 2));
      bigger.set(this.#begun.subarray(0, this.#begunBytes));
      this.#begun = bigger;
    }
    this.#begun.set(bytes, this.#begunBytes);
    this.#begunBytes = length;
  }

  /** Takes the bytes of the line begun; they change with the next {@link #begin}. */
  #takeBegun(): Uint8Array {
    const line = this.#begun.subarray(0, this.#begunBytes);
    // One long message must not hold its memory for ever.
    if (this.#begun.length > CHUNK_BYTES) this.#begun = NOTHING;
    this.#begunBytes = 0;
    return line;
  }

  #lines(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes);
    // Where each byte is one character, a place in the one is the same place in the other.
    const batch = text.length === bytes.length ? this.#batch : undefined;
    for (let from = 0; from < text.length && !this.#ended;) {
      const end = batch?.read(bytes, text, from) ?? from;
      const read = end > from ? batch?.take() : undefined;
      if (read) {
        this.#deliverAll(read, text, from);
        from = end;
      } else {
        do from = this.#nextLine(text, from, bytes.length);
        while (from < end);
      }
    }
  }

  #deliverAll({ events, ends }: Batch, text: string, from: number): void {
    this.#badLines = 0;
    let begin = from;
    for (let index = 0; index < events.length && !this.#ended; index += 1) {
      const end = ends[index] as number;
      this.#sink.message(events[index] as object, text.slice(begin, lineTo(text, end - 1)));
      begin = end;
    }
  }

  /** The place after the line that begins at `from`; that after all of them once nothing is delivered any more. */
  #nextLine(text: string, from: number, textBytes: number): number {
    if (this.#ended) return text.length;
    const end = text.indexOf('\n', from);
    const to = lineTo(text, end);
    this.#checkLine(text, from, to, textBytes);
    const start = skipBlanks(text, from, to);
    if (start < to) this.#line(text, start, to);
    return end + 1;
  }

  #line(text: string, from: number, to: number): void {
    // The first character tells most rubbish apart before it costs anything.
    const line = text.slice(from, to);
    if (this.#sink.unparsed?.(line)) {
      this.#badLines = 0;
      return;
    }
    const message = text.charCodeAt(from) === OPENING_BRACE ? this.#parse(line) : undefined;
    if (message) {
      this.#badLines = 0;
      this.#deliver(message, line);
      return;
    }
    this.#report('bad-line', `a line that is no JSON object was dropped: ${excerpt(line)}`);
    this.#badLines += 1;
    if (this.#badLines >= BAD_LINES) {
      throw new ProtocolError(
        `${this.#options.name}: ${BAD_LINES} lines in a row were not JSON objects; is this a QMP monitor?`,
      );
    }
  }

  #parse(line: string): object | undefined {
    try {
      const exact = this.#options.integers === 'exact' && mayHoldLongInteger(line);
      const value: unknown = exact ? parseExact(line) : JSON.parse(line);
      return isRecord(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  #deliver(message: object, line: string): void {
    if (line.length * 3 > EVENT_BYTES && isEvent(message)) {
      const bytes = this.#encoder.encode(line).length;
      if (bytes > EVENT_BYTES) {
        this.#report(
          'event-too-large',
          `an event of ${bytes} bytes was dropped (the limit is ${EVENT_BYTES}): ${excerpt(line)}`,
        );
        return;
      }
    }
    if (this.#options.integers === 'number' && mayHoldLongInteger(line)) this.#checkRounding(line);
    this.#sink.message(message, line);
  }

  #checkRounding(line: string): void {
    const rounded = findRounded(line);
    if (rounded === undefined) return;
    this.#report(
      'rounded-integer',
      `the integer ${shorten(rounded)} was rounded to ${Number(rounded)}; integers: 'exact' keeps it as a bigint`,
    );
  }

  /** @param textBytes the bytes of all the text, from which a line's own can differ only where some were no UTF-8 and were replaced */
  #checkLine(text: string, from: number, to: number, textBytes: number): void {
    const limit = this.#options.maxMessageBytes;
    // No UTF-16 unit takes more than three bytes: most lines need no counting, which takes a tenth of the time of a large reply.
    if ((to - from) * 3 <= limit || (textBytes <= limit && !text.includes(REPLACEMENT))) return;
    this.#checkSize(this.#encoder.encode(text.slice(from, to)).length);
  }

  #checkSize(bytes: number): void {
    const limit = this.#options.maxMessageBytes;
    if (bytes > limit) {
      throw new ProtocolError(
        `${this.#options.name}: a message of more than ${limit} bytes; raise maxMessageBytes if it is a real one`,
      );
    }
  }

  #report(kind: ServerFault['kind'], message: string): void {
    this.#sink.diagnostic({ kind, message });
  }
}

/** Where a line ends whose `\n` is there: before it, or before its `\r\n`. */
function lineTo(text: string, lineFeed: number): number {
  return text.charCodeAt(lineFeed - 1) === CARRIAGE_RETURN ? lineFeed - 1 : lineFeed;
}

function skipBlanks(text: string, from: number, to: number): number {
  let place = from;
  for (; place < to; place += 1) {
    const code = text.charCodeAt(place);
    if (code !== 32 && code !== 9 && code !== CARRIAGE_RETURN) break;
  }
  return place;
}
