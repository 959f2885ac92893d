import { errorText, lineOf, type Command } from '../protocol/command.js';
import { genericError } from '../protocol/command-error.js';

/** The text of a command as libvirt takes it: it gives it an id of its own. */
export function withoutId({ id: _, ...command }: Command): string {
  return lineOf(command).trimEnd();
}

/** A reply that libvirt passed on, as text, with the id of the command in place of its own. */
export function replyWithId(reply: string, id: string | undefined): string {
  const bare = reply.trimEnd().replace(/(?:,\s*"id"\s*:\s*"libvirt-\d+"\s*)?\}$/, '');
  return `${bare.replace(/[\r\n]/g, ' ')}${id === undefined ? '' : `,"id":${id}`}}\n`;
}

/** The reply to a command that libvirt itself refused. */
export function refusalText(error: unknown, id: string | undefined): string {
  return errorText(genericError(error instanceof Error ? error.message : String(error)), id);
}
