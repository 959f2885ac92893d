import { isRecord } from '../foundation/checks.js';
import { ExpectedBytes } from './expected-bytes.js';
import { mayHoldLongInteger } from './long-integers.js';
import { NameTable } from './name-table.js';

/** Events that came one after the other. */
export interface Batch {
  readonly events: readonly object[];
  /** The place after the line of each. */
  readonly ends: readonly number[];
}

interface BatchedEvent {
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
  readonly event: string;
  data?: unknown;
}

// An event as QEMU writes it, blanks included: the digits, the name and the data stand between these.
const OPENING = new ExpectedBytes('{"timestamp": {"seconds": ');
const MICROSECONDS = new ExpectedBytes(', "microseconds": ');
const EVENT = new ExpectedBytes('}, "event": "');
const DATA = new ExpectedBytes('", "data": {');

/** Shared by all connections: QEMUs send the same names, and reading is synchronous. */
const NAMES = new NameTable();

const CARRIAGE_RETURN = 13;
const ZERO = 48;
const CLOSING_BRACE = 125;

/**
 * Reads events in less time than `JSON.parse` takes for them: what costs it most is objects, and those around the data are
 * always the same. So these are read here, and the data of many events is parsed at once, as one array. What looks the least bit
 * unlike QEMU's own events is left to `JSON.parse`.
 */
export class EventBatch {
  readonly #longest: number;
  readonly #seconds = new WholeNumber();
  readonly #microseconds = new WholeNumber();
  #events: BatchedEvent[] = [];
  #ends: number[] = [];
  /** The events whose data is not parsed yet, and the text of it. */
  #withData: BatchedEvent[] = [];
  #joined = '';

  /** @param longest a longer line, in characters, is left to `JSON.parse` */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /**
   * Reads as many events as come one after the other, and gives the place after them; {@link take} has them then.
   *
   * @param text the bytes decoded, each to one character
   * @param from where a line begins
   */
  read(bytes: Uint8Array, text: string, from: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let end = from;
    for (let next = end; next >= 0; next = this.#readLine(bytes, view, text, end)) end = next;
    return end;
  }

  /** The events read; undefined if their data is not what it seemed, so that their lines must be parsed one by one. */
  take(): Batch | undefined {
    const batch = { events: this.#events, ends: this.#ends };
    const parsed = this.#parseData();
    this.#events = [];
    this.#ends = [];
    this.#withData = [];
    this.#joined = '';
    return parsed ? batch : undefined;
  }

  /** The place after the line, or -1. */
  #readLine(bytes: Uint8Array, view: DataView, text: string, from: number): number {
    const size = bytes.length;
    const secondsEnd = this.#seconds.read(bytes, OPENING.skip(view, size, from));
    const microsecondsEnd = this.#microseconds.read(bytes, MICROSECONDS.skip(view, size, secondsEnd));
    const nameEnd = NAMES.find(bytes, EVENT.skip(view, size, microsecondsEnd));
    if (nameEnd < 0) return -1;
    const lineEnd = text.indexOf('\n', nameEnd) + 1;
    if (lineEnd === 0 || lineEnd - from > this.#longest) return -1;
    // The place of the last brace.
    const end = bytes[lineEnd - 2] === CARRIAGE_RETURN ? lineEnd - 3 : lineEnd - 2;
    if (bytes[end] !== CLOSING_BRACE) return -1;
    const timestamp = { seconds: this.#seconds.value, microseconds: this.#microseconds.value };
    const event = NAMES.found;
    const data = DATA.skip(view, size, nameEnd) - 1;
    if (data >= 0) {
      const withData = { timestamp, event, data: undefined as unknown };
      if (!this.#addData(withData, text, data, end)) return -1;
      this.#events.push(withData);
    } else if (nameEnd + 1 === end) {
      this.#events.push({ timestamp, event });
    } else {
      return -1;
    }
    this.#ends.push(lineEnd);
    return lineEnd;
  }

  #addData(event: BatchedEvent, text: string, from: number, to: number): boolean {
    const data = text.slice(from, to);
    const nextBrace = text.indexOf('{', from + 1);
    if (nextBrace >= 0 && nextBrace < to) {
      event.data = parseObject(data);
      return event.data !== undefined;
    }
    this.#withData.push(event);
    this.#joined += this.#joined === '' ? data : `,${data}`;
    return true;
  }

  #parseData(): boolean {
    if (this.#joined === '') return true;
    if (mayHoldLongInteger(this.#joined)) return false;
    try {
      const data = JSON.parse(`[${this.#joined}]`) as unknown[];
      // Each text had one brace that opens, its first character. If there are as many objects as texts, then each of these braces
      // opens an object that is in none of the others: every text is one object, and the commas are ours.
      if (data.length !== this.#withData.length || !data.every(isRecord)) return false;
      for (let index = 0; index < data.length; index += 1) (this.#withData[index] as BatchedEvent).data = data[index];
      return true;
    } catch {
      return false;
    }
  }
}

/** Reads what JSON and JavaScript both take for the same whole number. */
class WholeNumber {
  value = 0;

  /** The place after the digits, or -1. */
  read(bytes: Uint8Array, from: number): number {
    if (from < 0) return -1;
    let value = 0;
    let place = from;
    for (; place < bytes.length; place += 1) {
      const digit = (bytes[place] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.value = value;
    const digits = place - from;
    return digits === 0 || digits > 15 || (digits > 1 && bytes[from] === ZERO) ? -1 : place;
  }
}

function parseObject(text: string): object | undefined {
  if (mayHoldLongInteger(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
