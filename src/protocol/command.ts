import { stringify } from './json.js';

/** A command as a client of the hub sent it. */
export interface ClientCommand {
  readonly name: string;
  readonly args: object | undefined;
  readonly oob: boolean;
  /** The client's own id as JSON text; `undefined` where it gave none. */
  readonly id: string | undefined;
}

/** What is answered instead of running a command. */
export class CommandRefused extends Error {
  constructor(
    desc: string,
    readonly id: string | undefined,
    readonly errorClass: 'GenericError' | 'CommandNotFound' = 'GenericError',
  ) {
    super(desc);
  }
}

const MEMBERS = new Set(['execute', 'exec-oob', 'arguments', 'id']);

/** Reads a command as QEMU does: nothing missing, nothing besides. @throws CommandRefused */
export function readCommand(message: object): ClientCommand {
  const members = new Map<string, unknown>(Object.entries(message));
  const id = idOf(members.get('id'));
  const unexpected = [...members.keys()].find((member) => !MEMBERS.has(member));
  if (unexpected !== undefined)
    throw new CommandRefused('a command has execute, arguments and id, and nothing else', id);
  if (members.has('execute') === members.has('exec-oob'))
    throw new CommandRefused('a command has one of execute and exec-oob', id);
  const oob = members.has('exec-oob');
  const name = members.get(oob ? 'exec-oob' : 'execute');
  if (typeof name !== 'string' || name === '') throw new CommandRefused('the name of a command is a string', id);
  const args = members.get('arguments');
  if (args !== undefined && (typeof args !== 'object' || args === null || Array.isArray(args)))
    throw new CommandRefused('arguments must be an object', id);
  if (oob && id === undefined) throw new CommandRefused('exec-oob needs an id', id);
  return { name, args, oob, id };
}

export function replyText(result: unknown, id: string | undefined): string {
  return `{"return":${stringify(result, 'return')}${idMember(id)}}\r\n`;
}

export function errorText(errorClass: string, desc: string, id: string | undefined): string {
  return `{"error":${JSON.stringify({ class: errorClass, desc })}${idMember(id)}}\r\n`;
}

function idMember(id: string | undefined): string {
  return id === undefined ? '' : `,"id":${id}`;
}

function idOf(id: unknown): string | undefined {
  if (id === undefined) return undefined;
  try {
    return stringify(id, 'id');
  } catch (error) {
    throw new CommandRefused((error as Error).message, undefined);
  }
}
