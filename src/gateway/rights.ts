import type { Rights, Role } from './vm-info.js';

const QUERY = /^query-[a-z0-9-]+$/;
const COMMAND = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** @throws TypeError if it is not the name of one command */
export function checkAllowed(command: string): void {
  if (!COMMAND.test(command)) throw new TypeError(`allow takes the names of commands, not ${JSON.stringify(command)}`);
}

/** The rights of a role: what is allowed is allowed to operators. */
export function rightsOf(role: Role, allow: readonly string[]): Rights {
  return { role, allow: role === 'operator' ? allow : [] };
}

/** True for a command that only looks. */
export function isQuery(command: string): boolean {
  return QUERY.test(command);
}

/**
 * Why the command must not be run, or undefined if it may be. Names are compared as they are: QEMU knows no other spelling.
 * Out of band only what is allowed by name.
 */
export function refusalOf({ role, allow }: Rights, command: string, oob: boolean): string | undefined {
  if (allow.includes(command) || (!oob && isQuery(command))) return undefined;
  const what = oob ? `${command} out of band` : command;
  return role === 'viewer'
    ? `${what} is not allowed: a viewer may run query commands only`
    : `${what} is not allowed on this hub; --allow ${command} allows it to operators`;
}
