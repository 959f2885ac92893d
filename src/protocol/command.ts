import { isRecord } from '../foundation/checks.js';
import { CommandError, genericError } from './command-error.js';
import { stringify } from './json.js';

/** A command as it goes over the wire, in either direction. Its arguments may hold passwords: keep it from logs. */
export interface Command {
  /** The name of the command. */
  readonly execute?: string;
  /** In place of `execute`: the command runs out of band. */
  readonly 'exec-oob'?: string;
  /** The arguments of the command. */
  readonly arguments?: object;
  /** What the reply repeats, so that it can be told whose it is. */
  readonly id?: unknown;
}

/** So many in-band commands QEMU takes at a time: with more it stops reading, out-of-band commands included. */
export const IN_BAND_LIMIT = 8;

export function commandOf(name: string, args: object | undefined, oob: boolean, id: unknown): Command {
  return { [oob ? 'exec-oob' : 'execute']: name, ...(args && { arguments: args }), id };
}

export function nameOf(command: Command): string {
  return command.execute ?? command['exec-oob'] ?? '';
}

export function isOutOfBand(command: Command): boolean {
  return command.execute === undefined;
}

/** The command as one line of text. @throws TypeError on what QEMU could not read */
export function lineOf(command: Command): string {
  const members = Object.entries(command).filter(([, value]) => value !== undefined);
  return `{${members.map(([name, value]) => `"${name}":${stringify(value, name)}`).join()}}\n`;
}

/**
 * Reads one JSON text that a client sent. Of a command it returns what QEMU accepts, and for the rest it throws QEMU's words.
 *
 * @param oob whether the client has enabled `exec-oob`
 * @throws CommandError if it is not a command
 */
export function readCommand(value: unknown, oob: boolean): Command {
  if (!isRecord(value)) throw genericError('QMP input must be a JSON object');
  let named: string | undefined;
  for (const [member, content] of Object.entries(value)) {
    if (member === 'execute' || (member === 'exec-oob' && oob)) {
      if (typeof content !== 'string') throw genericError(`QMP input member '${member}' must be a string`);
      if (named !== undefined) throw genericError("QMP input member 'execute' clashes with 'exec-oob'");
      named = member;
    } else if (member === 'arguments') {
      if (!isRecord(content)) throw genericError("QMP input member 'arguments' must be an object");
    } else if (member !== 'id') throw genericError(`QMP input member '${member}' is unexpected`);
  }
  if (named === undefined) throw genericError("QMP input lacks member 'execute'");
  return value;
}

/**
 * The value of a JSON text that a client sent.
 *
 * @param parse the text of a client who is to get integers beyond 2^53 back exactly takes `parseExact`
 * @throws CommandError in QEMU's words
 */
export function parseCommand(text: string, parse: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parse(text);
  } catch {
    throw genericError(`JSON parse error, ${/^[a-z]+$/.test(text) ? `invalid keyword '${text}'` : 'expecting value'}`);
  }
}

/** True for what a client sent to run out of band, valid or not. */
export function asksForOob(value: unknown): boolean {
  return isRecord(value) && 'exec-oob' in value && !('execute' in value);
}

/** The reply to a command, as text. @param result as JSON, @param id of the command, as JSON; `undefined` where it has none */
export function replyText(result: string, id: string | undefined): string {
  return `{"return":${result}${idMember(id)}}\r\n`;
}

/** The error reply to a command, as text; an error that is no {@link CommandError} has the class `GenericError`. */
export function errorText(error: unknown, id: string | undefined): string {
  if (error instanceof CommandError) return errorReplyText(error.message, id, error.errorClass);
  return errorReplyText(messageOf(error), id);
}

/** The same without an error: to make one takes longer than all the rest. */
export function errorReplyText(desc: string, id: string | undefined, errorClass = 'GenericError'): string {
  return `{"error":${JSON.stringify({ class: errorClass, desc })}${idMember(id)}}\r\n`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function idMember(id: string | undefined): string {
  return id === undefined ? '' : `,"id":${id}`;
}
