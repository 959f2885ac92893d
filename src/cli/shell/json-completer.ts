import type { QmpSchema } from '../../client/schema.js';
import { starting, type Completion } from './candidates.js';

/** Where a JSON text that is being typed stands. */
interface Place {
  /** The members that lead here, arrays looked through. */
  readonly path: readonly string[];
  /** Whether a member's name comes here, not its value. */
  readonly isName: boolean;
  /** The members of the innermost object so far. */
  readonly taken: readonly string[];
  /** The text of what has been begun here, its quote included. */
  readonly begun: string;
  /** All that has been typed before. */
  readonly value: Readonly<Record<string, unknown>>;
}

interface Frame {
  readonly value: Record<string, unknown> | unknown[];
  name: string | undefined;
}

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+)(?=[\s{}[\],:"]))/y;
const REST = /\s*("(?:[^"\\]|\\.)*|[^\s{}[\],:"]*)$/y;

/** Completes a command that is typed as JSON: its members, the command's name, and its arguments with their values. */
export function completeJson(schema: QmpSchema, line: string): Completion {
  const place = placeAt(line);
  if (!place) return [[], ''];
  const { path, isName, taken, begun, value } = place;
  const [first, ...inner] = path;
  const command = textOf(value['execute'] ?? value['exec-oob']);
  const given = value['arguments'] ?? {};
  let words: readonly string[] = [];
  if (first === undefined) {
    words = isName ? ['"execute": "', '"exec-oob": "', '"arguments": {'].filter((word) => !isTaken(word, taken)) : [];
  } else if (first === 'execute' || first === 'exec-oob') {
    words = isName ? [] : schema.commands.map((name) => JSON.stringify(name));
  } else if (first === 'arguments' && isName) {
    const members = schema.members(command, inner.length === 0 ? undefined : inner.join('.'), given);
    words = members
      .map(
        ({ name, kind }) => `"${name}": ${kind === 'object' ? '{' : kind === 'string' || kind === 'enum' ? '"' : ''}`,
      )
      .filter((word) => !isTaken(word, taken));
  } else if (first === 'arguments') {
    words = valuesAt(schema, command, inner, given);
  }
  return starting(begun, words);
}

function valuesAt(schema: QmpSchema, command: string, path: readonly string[], given: object): readonly string[] {
  const values = schema.values(command, path.join('.'));
  if (values.length > 0) return values.map((value) => JSON.stringify(value));
  const parent = path.slice(0, -1).join('.');
  const member = schema
    .members(command, parent === '' ? undefined : parent, given)
    .find(({ name }) => name === path.at(-1));
  return member?.kind === 'boolean' ? ['true', 'false'] : [];
}

/** Undefined where the text is not JSON, or has ended. */
function placeAt(line: string): Place | undefined {
  const root: Record<string, unknown> = {};
  const frames: Frame[] = [];
  const put = (value: unknown): void => {
    const frame = frames.at(-1);
    if (!frame) return;
    if (Array.isArray(frame.value)) frame.value.push(value);
    else if (frame.name !== undefined) define(frame.value, frame.name, value);
  };
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const [all = '', mark, text, word] = TOKEN.exec(line) ?? [];
    if (all === '') break;
    at += all.length;
    const frame = frames.at(-1);
    if (mark === '{' || mark === '[') {
      const value = mark === '[' ? [] : frame ? {} : root;
      put(value);
      frames.push({ value, name: undefined });
    } else if (mark === '}' || mark === ']') {
      frames.pop();
    } else if (mark === ',') {
      if (frame) frame.name = undefined;
    } else if (mark === undefined) {
      const value = parsed(text ?? word ?? '');
      if (frame && !Array.isArray(frame.value) && frame.name === undefined) frame.name = String(value);
      else put(value);
    }
  }
  REST.lastIndex = at;
  const [, begun] = REST.exec(line) ?? [];
  const last = frames.at(-1);
  if (begun === undefined || !last) return undefined;
  const path = frames.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const isName = !Array.isArray(last.value) && last.name === undefined;
  return { path, isName, taken: Object.keys(last.value), begun, value: root };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A member of its own, whatever its name. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isTaken(word: string, taken: readonly string[]): boolean {
  return taken.some((name) => word.startsWith(`"${name}":`));
}
