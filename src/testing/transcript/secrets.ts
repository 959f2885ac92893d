import type { Command } from '../../protocol/command.js';
import type { Message } from '../../protocol/message.js';
import { qemuJson } from '../qemu-json.js';

const BLANK = '(blanked)';

/** Names of arguments that are secrets wherever they stand. */
const SECRET_NAMES = new Set(['password', 'passwd', 'passphrase', 'secret', 'token']);

/** A command for people that may hold one. */
const SECRET_LINE = /passw|secret/i;

/**
 * Blanks the secrets that QMP is known to carry: passwords (`set_password`, `change-vnc-password`, …), the data of secret
 * objects (`object-add`, `qom-set`), and the lines of `human-monitor-command` that speak of them, with their answers, for a
 * monitor repeats what it does not understand.
 */
export class Secrets {
  /** The ids of such lines, until they are answered. */
  readonly #lines = new Set<unknown>();

  blankCommand(command: Command): Command {
    const args = command.arguments as Readonly<Record<string, unknown>> | undefined;
    if (!args) return command;
    const secrets = secretsOf(command.execute ?? command['exec-oob'] ?? '', args);
    if (secrets.includes('command-line')) this.#lines.add(command.id);
    return { ...command, arguments: blankMembers(args, secrets) };
  }

  /** The text to record in the place of a reply that may hold a secret. */
  blankReply(message: Message): string | undefined {
    if (!('id' in message) || !this.#lines.delete(message.id)) return undefined;
    if ('return' in message) return qemuJson({ return: BLANK, id: message.id });
    return qemuJson({ id: message.id, error: { class: 'GenericError', desc: BLANK } });
  }
}

/** The names that are secrets in the arguments of this command only. */
function secretsOf(command: string, args: Readonly<Record<string, unknown>>): readonly string[] {
  if (command === 'object-add' && String(args['qom-type']).startsWith('secret')) return ['data'];
  if (command === 'qom-set' && /^(data|.*(password|secret).*)$/i.test(String(args['property']))) return ['value'];
  if (command === 'human-monitor-command' && SECRET_LINE.test(String(args['command-line']))) return ['command-line'];
  return [];
}

function blankMembers(members: object, secrets: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]: [string, unknown]) => [
      name,
      SECRET_NAMES.has(name) || secrets.includes(name) ? BLANK : blankWithin(value, secrets),
    ]),
  );
}

function blankWithin(value: unknown, secrets: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => blankWithin(item, secrets));
  return typeof value === 'object' && value !== null ? blankMembers(value, secrets) : value;
}
