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
  /** Out of band: it overtakes others. */
  readonly oob?: boolean;
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

/** A whole command as QMP has it. */
export function requestFrom(text: string): Request {
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    throw new UsageError(`this is not JSON: ${printable(text.slice(0, 40))}`, { cause: error });
  }
  const members = (value ?? {}) as { execute?: unknown; 'exec-oob'?: unknown; arguments?: unknown };
  const command = members.execute ?? members['exec-oob'];
  const args = members.arguments;
  if (typeof command !== 'string' || (args !== undefined && (typeof args !== 'object' || args === null))) {
    throw new UsageError('a command in JSON must be {"execute": NAME, "arguments": {…}}');
  }
  return {
    command,
    args: args as Record<string, unknown> | undefined,
    ...(members.execute === undefined && { oob: true }),
  };
}
