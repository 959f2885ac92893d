import { InvalidArgumentError } from 'commander';
import { parseExact } from '../protocol/json.js';

type Arguments = Record<string, unknown>;

/**
 * The arguments of a command from the words of a command line: one JSON object, or `key=value` pairs. A value that reads as JSON
 * is taken as such, else as text; a dot in a key goes one level down (`options.driver=file`).
 */
export function parseArguments(words: readonly string[]): Arguments | undefined {
  const [first] = words;
  if (first === undefined) return undefined;
  if (first.startsWith('{')) return parseObject(first, words.length);
  const result: Arguments = {};
  for (const word of words) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || value === undefined) {
      throw new InvalidArgumentError(`'${word}' is neither key=value nor a JSON object.`);
    }
    put(result, key.split('.'), parseValue(value), word);
  }
  return result;
}

function parseObject(text: string, words: number): Arguments {
  if (words > 1) {
    throw new InvalidArgumentError('A JSON object takes the place of all arguments; quote it as one word.');
  }
  try {
    return parseExact(text) as Arguments;
  } catch (error) {
    throw new InvalidArgumentError(`That is not a JSON object: ${(error as Error).message}`);
  }
}

function parseValue(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}

function put(target: Arguments, path: readonly string[], value: unknown, word: string): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    define(target, key, value);
    return;
  }
  const inner = Object.hasOwn(target, key) ? target[key] : define(target, key, {});
  if (typeof inner !== 'object' || inner === null) {
    throw new InvalidArgumentError(`'${word}' goes into '${key}', which has a value already.`);
  }
  put(inner as Arguments, rest, value, word);
}

/** A member of its own, whatever its name: assigning to `__proto__` would not make one. */
function define<T>(target: Arguments, key: string, value: T): T {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  return value;
}
