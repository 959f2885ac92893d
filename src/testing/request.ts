import { genericError } from '../protocol/command-error.js';
import { ParseError } from './json-scanner.js';

/** A command as it came from a client. */
export interface ReceivedCommand {
  readonly execute?: string;
  readonly 'exec-oob'?: string;
  readonly arguments?: object;
  readonly id?: unknown;
}

/** One value that a client sent, or tried to. */
export type Request = { readonly value: unknown } | ParseError;

/** It overtakes. */
export function isOutOfBand(request: Request): boolean {
  if (request instanceof ParseError || !isRecord(request.value)) return false;
  return 'exec-oob' in request.value && !('execute' in request.value);
}

/** For the reply: nothing where the client gave no id. */
export function idOf(request: Request): { id?: unknown } {
  if (request instanceof ParseError || !isRecord(request.value) || !('id' in request.value)) return {};
  return { id: request.value['id'] };
}

/** @throws CommandError where it is no command, in QEMU's words */
export function checkRequest(value: unknown, oob: boolean): ReceivedCommand {
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
