import type { QmpSchema, SchemaMember } from '../../client/schema.js';
import { parseArguments } from '../command-arguments.js';
import { starting, type Completion } from './candidates.js';
import { completeJson } from './json-completer.js';
import { plainWord, wordsOf } from './words.js';

const OWN = ['hmp ', 'help ', 'exit', 'transaction('];
/** Where the data of a transaction's actions stands, all variants of it. */
const TRANSACTION = { command: 'transaction', path: 'actions.data' };

/**
 * Completes commands, their arguments and the values of these, from the QEMU's own schema.
 *
 * @param hmp the commands of the monitor for people
 */
export function complete(
  schema: QmpSchema,
  line: string,
  inTransaction: boolean,
  hmp: readonly string[] = [],
): Completion {
  if (/^\s*\{/.test(line)) return completeJson(schema, line);
  const [, before = '', last = ''] = /^(.*\s)?(\S*)$/s.exec(line) ?? [];
  const [name = '', ...given] = wordsOf(before).words;
  if (name === '') return starting(last, names(schema, inTransaction));
  if (name === 'help') return starting(last, given.length === 0 ? schema.commands : []);
  if (name === 'hmp') return hmpWord(hmp, given, last);
  const base = inTransaction ? TRANSACTION : { command: name, path: '' };
  const context = inTransaction ? { actions: { type: name, data: argumentsIn(given) } } : argumentsIn(given);
  return argument(schema, base, context, last, given);
}

function names(schema: QmpSchema, inTransaction: boolean): string[] {
  if (inTransaction) return [...schema.values('transaction', 'actions.type').map((type) => `${type} `), ')'];
  return [...schema.commands.map((name) => `${name} `), ...OWN];
}

interface Base {
  readonly command: string;
  readonly path: string;
}

function argument(schema: QmpSchema, base: Base, context: object, last: string, given: readonly string[]): Completion {
  const at = last.indexOf('=');
  if (at >= 0) {
    const key = last.slice(0, at);
    const values = valuesOf(schema, base, context, key);
    return starting(
      last,
      values.map((value) => `${key}=${value} `),
    );
  }
  const dot = last.lastIndexOf('.') + 1;
  const parent = last.slice(0, dot);
  const taken = new Set(given.map((word) => word.split('=')[0]));
  const members = membersAt(schema, base, context, parent.replace(/\.$/, ''));
  const words = members.map(({ name, kind }) => `${parent}${name}${kind === 'object' ? '.' : '='}`);
  return starting(
    last,
    words.filter((word) => !taken.has(word.slice(0, -1))),
  );
}

function membersAt(
  schema: QmpSchema,
  { command, path }: Base,
  context: object,
  inner: string,
): readonly SchemaMember[] {
  const full = [path, inner].filter((part) => part !== '').join('.');
  return schema.members(command, full === '' ? undefined : full, context);
}

function valuesOf(schema: QmpSchema, base: Base, context: object, key: string): readonly string[] {
  const path = base.path === '' ? key : `${base.path}.${key}`;
  const values = schema.values(base.command, path);
  if (values.length > 0) return values;
  const [, parent = '', name] = /^(?:(.*)\.)?([^.]+)$/.exec(key) ?? [];
  const member = membersAt(schema, base, context, parent).find((one) => one.name === name);
  return member?.kind === 'boolean' ? ['true', 'false'] : [];
}

/** A word at a time of commands that may have two: `info block`. */
function hmpWord(commands: readonly string[], given: readonly string[], last: string): Completion {
  const before = given.map((word) => `${word} `).join('');
  const rest = commands.filter((command) => command.startsWith(before)).map((command) => command.slice(before.length));
  return starting(
    last,
    rest.map((words) => `${words.split(' ')[0] ?? ''} `),
  );
}

/** The arguments typed so far, as far as they can be read. */
function argumentsIn(words: readonly string[]): object {
  try {
    return parseArguments(words.filter((word) => word.includes('=')).map(plainWord)) ?? {};
  } catch {
    return {};
  }
}
