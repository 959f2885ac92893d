import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Role } from '../../gateway/vm-info.js';

/** A secret, and what its bearer may do. */
export interface HubToken {
  readonly role: Role;
  /** At least 16 letters, digits and `!#$%&'*+.^_`|~-`: it must fit a WebSocket's subprotocol. */
  readonly token: string;
  /** What its bearer is called in the log and in the audit. @default the role and the token's place in the list */
  readonly name?: string;
  /** The only VMs that it shows, `*` standing for anything: `['web*', 'db1']`. @default all */
  readonly vms?: readonly string[];
  /** What its bearer may run besides `query-*`, in place of what the hub allows; of operators only. @default what the hub allows */
  readonly allow?: readonly string[];
  /** Whether it shows the screens of VMs. @default false */
  readonly screen?: boolean;
}

const FITTING = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{16,512}$/;

/** A token that nobody guesses. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * The tokens in a file: one `role token` in a line, the role being `viewer` or `operator`; blank lines and lines that begin
 * with `#` are skipped.
 *
 * Rejects with a `TypeError` that names the line, never what is in it.
 */
export async function readTokenFile(path: string): Promise<HubToken[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const [role, token, ...rest] = line.split(/\s+/);
    if (!isRole(role) || token === undefined || rest.length > 0) {
      throw new TypeError(`${path}: line ${index + 1} must be: viewer TOKEN, or: operator TOKEN`);
    }
    checkToken(`${path}: the token in line ${index + 1}`, token);
    return [{ role, token }];
  });
}

export function isRole(role: unknown): role is Role {
  return role === 'viewer' || role === 'operator';
}

/** @throws TypeError if it does not fit; `what` says which one, never what it is */
export function checkToken(what: string, token: unknown): void {
  if (typeof token !== 'string' || !FITTING.test(token)) {
    throw new TypeError(
      `${what} must be 16 to 512 letters, digits and !#$%&'*+.^_\`|~- (base64url fits, base64 does not)`,
    );
  }
}
