import { buffer } from 'node:stream/consumers';
import { CommandCutter } from '../protocol/command-cutter.js';
import { parseExact } from '../protocol/json.js';
import { parseArguments } from './command-arguments.js';
import { printable } from './terminal.js';
import { UsageError } from './usage-error.js';

/** A command to be sent. */
export interface Request {
  readonly command: string;
  readonly args: Record<string, unknown> | undefined;
}

/** QEMU takes no longer ones. */
const LIMIT = 64 * 1024 * 1024;

/** The commands in a stream of JSON, as QEMU itself would read them: one per line, or spread over many lines. */
export async function commandsFrom(input: NodeJS.ReadableStream, words: readonly string[]): Promise<Request[]> {
  if (words.length > 0) throw new UsageError('with - in place of the command, stdin holds its arguments, too');
  const cutter = new CommandCutter(LIMIT);
  cutter.push(await buffer(input));
  cutter.push(Buffer.from('\n'));
  const requests: Request[] = [];
  for (let text = cutter.next(); text !== undefined; text = cutter.next()) requests.push(requestFrom(text));
  if (requests.length === 0) throw new UsageError('stdin holds no whole command: {"execute": "query-status"}, say');
  return requests;
}

/** The arguments of one command in a stream: one JSON object. */
export async function argumentsFrom(
  input: NodeJS.ReadableStream,
  words: readonly string[],
): Promise<Record<string, unknown> | undefined> {
  if (words.length > 1) throw new UsageError('- takes the place of all arguments');
  const text = (await buffer(input)).toString().trim();
  if (!text.startsWith('{')) throw new UsageError('stdin must hold the arguments as one JSON object');
  return parseArguments([text]);
}

function requestFrom(text: string): Request {
  const excerpt = printable(text.slice(0, 40));
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    throw new UsageError(`stdin holds what is not JSON: ${excerpt}`, { cause: error });
  }
  const { execute, arguments: args } = (value ?? {}) as { execute?: unknown; arguments?: unknown };
  if (typeof execute !== 'string' || (args !== undefined && (typeof args !== 'object' || args === null))) {
    throw new UsageError('each command on stdin must be {"execute": NAME, "arguments": {…}}');
  }
  return { command: execute, args: args as Record<string, unknown> | undefined };
}
