import { shorten } from '../foundation/text.js';
import { longIntegers } from './long-integers.js';

/** QEMU's parser refuses deeper values, and answers without the id that would tell which command it was. */
const DEEPEST = 1_000;

/** QEMU's parser takes no string with one of these; `\uFFFE` is a non-character. */
const REFUSED = /[\p{Surrogate}\p{Noncharacter_Code_Point}]/u;

/** Characters of a path that an error shows. */
const PATH_LENGTH = 200;

/** Beyond so many digits a JavaScript number is Infinity. QEMU's own integers have 20 at most. */
const MOST_DIGITS = 309;

/** Marks a string that stands for a bigint. Random, so that no string of a server can be taken for one. */
const MARK = `integer ${Math.random()}${Math.random()} `;

/** The first integer of a JSON text, outside of strings, that is no JavaScript number. */
export function findRounded(text: string): string | undefined {
  for (const { integer } of longIntegers(text)) {
    if (integer.length > MOST_DIGITS || BigInt(Number(integer)) !== BigInt(integer)) return integer;
  }
  return undefined;
}

/**
 * `JSON.parse`, but integers beyond ±2^53 become bigints.
 *
 * @throws SyntaxError also for an integer of more than 309 digits: making a bigint of millions takes minutes
 */
export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text); // What is no JSON must not become any by the marking.
  let marked = '';
  let copied = 0;
  for (const { integer, from } of longIntegers(text)) {
    if (integer.length > MOST_DIGITS) throw new SyntaxError(`an integer of ${integer.length} digits`);
    if (!isBeyond(integer)) continue;
    marked += `${text.slice(copied, from)}"${MARK}${integer}"`;
    copied = from + integer.length;
  }
  if (copied === 0) return value;
  return JSON.parse(marked + text.slice(copied), (_key, member: unknown) =>
    typeof member === 'string' && member.startsWith(MARK) ? BigInt(member.slice(MARK.length)) : member,
  );
}

/**
 * `JSON.stringify` for what goes to QEMU: bigints are written as integers, members that are `undefined` are left out.
 *
 * @param path of the value, for the error
 * @throws TypeError on what QEMU would refuse without telling which command it was, or would understand differently
 */
export function stringify(value: unknown, path: string, depth = 0): string {
  if (depth > DEEPEST) {
    throw new TypeError(`${shorten(path, PATH_LENGTH)} is nested more than ${DEEPEST} deep, which QEMU refuses`);
  }
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'string':
      if (REFUSED.test(value)) {
        throw new TypeError(
          `${shorten(path, PATH_LENGTH)} holds half a surrogate pair or a non-character, which QEMU refuses`,
        );
      }
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) {
        throw new TypeError(`${shorten(path, PATH_LENGTH)} is ${value}, which JSON cannot express`);
      }
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if ('toJSON' in value && typeof value.toJSON === 'function') {
        return stringify((value as { toJSON(): unknown }).toJSON(), path, depth + 1);
      }
      if (Array.isArray(value)) {
        return `[${Array.from(value, (item, index) => stringify(item, `${path}[${index}]`, depth + 1)).join(',')}]`;
      }
      return `{${membersOf(value, path, depth).join(',')}}`;
    default:
      throw new TypeError(
        `${shorten(path, PATH_LENGTH)} is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON cannot express`,
      );
  }
}

/** The value as indented JSON, bigints as integers. */
export function format(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_key, member: unknown) => (typeof member === 'bigint' ? `${MARK}${member}` : member),
    2,
  );
  return text.replaceAll(new RegExp(`"${MARK}(-?\\d+)"`, 'g'), '$1');
}

function membersOf(value: object, path: string, depth: number): string[] {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${stringify(key, `a name in ${path}`)}:${stringify(member, `${path}.${key}`, depth + 1)}`);
}

function isBeyond(integer: string): boolean {
  const value = BigInt(integer);
  return value > 2n ** 53n || value < -(2n ** 53n);
}
