/** QEMU's parser refuses deeper values, and answers without the id that would tell which command it was. */
const DEEPEST = 1_000;

/** A string, or a number with its fraction and exponent: enough to tell the integers of a JSON text from its strings. */
const TOKEN = /"(?:[^"\\]|\\.)*"|(-?\d+)(\.\d+)?([eE][+-]?\d+)?/g;

/**
 * Before an integer in the text that is to become a bigint; the server cannot know it, so no string of its own is taken for
 * such an integer.
 */
const MARK = `integer ${Math.random()}${Math.random()} `;

/**
 * True if the text may hold an integer beyond 2^53: such a one has 16 digits or more, so it covers one of the places looked at.
 */
export function mayHoldLongInteger(text: string): boolean {
  for (let place = 15; place < text.length; place += 16) {
    if (!isDigit(text.charCodeAt(place))) continue;
    let from = place;
    let to = place;
    while (isDigit(text.charCodeAt(from - 1))) from -= 1;
    while (isDigit(text.charCodeAt(to + 1))) to += 1;
    if (to - from >= 15) return true;
  }
  return false;
}

/** The first integer of the text that is no JavaScript number, to the digit; outside of strings. */
export function findRounded(text: string): string | undefined {
  for (const [, integer, fraction, exponent] of text.matchAll(TOKEN)) {
    if (integer && !fraction && !exponent && BigInt(Number(integer)) !== BigInt(integer)) return integer;
  }
  return undefined;
}

/** `JSON.parse`, but integers beyond ±2^53 become bigints. @throws SyntaxError */
export function parseExact(text: string): unknown {
  JSON.parse(text); // What is no JSON must not become any by the marking.
  const marked = text.replace(TOKEN, (token, integer?: string, fraction?: string, exponent?: string) =>
    integer && !fraction && !exponent && isBeyond(integer) ? JSON.stringify(MARK + integer) : token,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/**
 * `JSON.stringify` for what goes to QEMU: bigints are written as integers, members that are `undefined` are left out.
 *
 * @param path of the value, for the error
 * @throws TypeError on what QEMU would refuse without telling which command it was, or would understand differently
 */
export function stringify(value: unknown, path: string, depth = 0): string {
  if (depth > DEEPEST) throw new TypeError(`${shorten(path)} is nested more than ${DEEPEST} deep, which QEMU refuses`);
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'string':
      if (/\p{Surrogate}/u.test(value))
        throw new TypeError(`${shorten(path)} holds half a surrogate pair, which QEMU refuses`);
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${shorten(path)} is ${value}, which JSON cannot say`);
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if ('toJSON' in value && typeof value.toJSON === 'function')
        return stringify((value as { toJSON(): unknown }).toJSON(), path, depth + 1);
      if (Array.isArray(value))
        return `[${value.map((item, index) => stringify(item, `${path}[${index}]`, depth + 1)).join(',')}]`;
      return `{${membersOf(value, path, depth).join(',')}}`;
    default:
      throw new TypeError(
        `${shorten(path)} is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON cannot say`,
      );
  }
}

/** The value as indented JSON, bigints as integers. */
export function format(value: unknown): string {
  const text = JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? `${MARK}${member}` : member), 2);
  return text.replaceAll(new RegExp(`"${MARK}(-?\\d+)"`, 'g'), '$1');
}

function membersOf(value: object, path: string, depth: number): string[] {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${stringify(key, `a name in ${path}`)}:${stringify(member, `${path}.${key}`, depth + 1)}`);
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

function isBeyond(integer: string): boolean {
  const value = BigInt(integer);
  return value > 2n ** 53n || value < -(2n ** 53n);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
