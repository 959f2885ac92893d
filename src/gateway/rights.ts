import type { HubRights } from '../hub/protocol.js';
import type { Role } from '../hub/server/tokens.js';

const QUERY = /^query-[a-z0-9-]+$/;
const COMMAND = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** @throws TypeError if it is not the name of one command */
export function checkAllowed(command: string): void {
  if (!COMMAND.test(command)) throw new TypeError(`allow takes the names of commands, not ${JSON.stringify(command)}`);
}

/** What one client may run. Names are compared as they are: QEMU knows no other spelling. */
export class Rights implements HubRights {
  readonly role: Role;
  readonly allow: readonly string[];

  constructor(role: Role, allow: readonly string[]) {
    this.role = role;
    this.allow = role === 'operator' ? allow : [];
  }

  /** Why the command must not be run, or undefined if it may be. Out of band only what is allowed by name. */
  refuse(command: string, oob: boolean): string | undefined {
    if (this.allow.includes(command) || (!oob && QUERY.test(command))) return undefined;
    const what = oob ? `${command} out of band` : command;
    return this.role === 'viewer'
      ? `${what} is not allowed: a viewer may run query commands only`
      : `${what} is not allowed on this hub; --allow ${command} allows it to operators`;
  }
}
