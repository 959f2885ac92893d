import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { checkAllowed } from '../../gateway/rights.js';
import type { Role } from '../../gateway/vm-info.js';

/** A secret, and what its bearer may do. */
export interface HubToken {
  /** Whether its bearer looks (`query-*` only) or acts. */
  readonly role: Role;
  /** At least 16 letters, digits and `!#$%&'*+.^_`|~-`: it must fit a WebSocket's subprotocol. */
  readonly token: string;
  /**
   * What its bearer is called in the log and in the audit: up to 64 letters, digits and `_.@-`.
   *
   * @default the role and the token's place in the list: `viewer-2`
   */
  readonly name?: string;
  /** The VMs that its bearer may see; `*` stands for anything: `['web*', 'db1']`. @default all */
  readonly vms?: readonly string[];
  /**
   * What its bearer may run besides `query-*`, in place of what the hub allows; for operators only.
   *
   * @default what the hub allows
   */
  readonly allow?: readonly string[];
  /** Whether its bearer may see the screens of VMs. @default false */
  readonly screen?: boolean;
}

const FITTING = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{16,512}$/;
const NAME = /^[A-Za-z0-9_.@-]{1,64}$/;
const FIELD = /^(name|vms|allow)=(.+)$|^screen$/;
/** What everybody on the machine may do with the file. */
const OTHERS = 0o007;

/** A token that nobody guesses. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * The tokens in a file: one in a line, `ROLE TOKEN [name=ALICE] [vms=web*,db1] [allow=stop,cont] [screen]`, the role being
 * `viewer` or `operator`; blank lines and lines that begin with `#` are skipped. Who has no name is called after role and line.
 *
 * Rejects with a `TypeError` that names the line, never what is in it; also if others than owner and group may use the file.
 */
export async function readTokenFile(path: string): Promise<HubToken[]> {
  const { mode } = await stat(path);
  if ((mode & OTHERS) !== 0) {
    throw new TypeError(`${path}: everybody on this machine may read or write it; chmod o= ${path}`);
  }
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    return [readLine(line, `${path}: line ${index + 1}`, index + 1)];
  });
}

function readLine(line: string, where: string, number: number): HubToken {
  const [role, token, ...rest] = line.split(/\s+/);
  if (!isRole(role) || token === undefined) {
    throw new TypeError(`${where} must be: viewer TOKEN, or: operator TOKEN, with fields behind it`);
  }
  const fields = new Map<string, string>();
  for (const text of rest) {
    const [, name = 'screen', value = ''] = FIELD.exec(text) ?? [undefined, ''];
    if (name === '') {
      throw new TypeError(`${where} has an unknown field; the fields are name=, vms=, allow= and screen`);
    }
    if (fields.has(name)) throw new TypeError(`${where} has the field ${name} twice`);
    fields.set(name, value);
  }
  const [vms, allow] = [fields.get('vms')?.split(','), fields.get('allow')?.split(',')];
  const read: HubToken = {
    role,
    token,
    name: fields.get('name') ?? `${role}-${number}`,
    ...(vms && { vms }),
    ...(allow && { allow }),
    ...(fields.has('screen') && { screen: true }),
  };
  checkToken(where, read);
  return read;
}

/** @throws TypeError if it is not valid; `where` says which one it is, the error never what it is */
export function checkToken(where: string, { role, token, name, vms, allow }: HubToken): void {
  if (!isRole(role)) throw new TypeError(`${where}: the role must be viewer or operator`);
  if (typeof token !== 'string' || !FITTING.test(token)) {
    throw new TypeError(
      `${where}: the token must be 16 to 512 letters, digits and !#$%&'*+.^_\`|~- (base64url fits, base64 does not)`,
    );
  }
  if (name !== undefined && !NAME.test(name)) {
    throw new TypeError(`${where}: the name must be 1 to 64 letters, digits and _.@-`);
  }
  if (vms?.length === 0 || vms?.some((pattern) => pattern === '')) {
    throw new TypeError(`${where}: vms must be names of VMs, in which * stands for anything`);
  }
  if (allow && role !== 'operator') throw new TypeError(`${where}: a viewer is allowed nothing besides query-*`);
  for (const command of allow ?? []) checkAllowed(command);
}

function isRole(role: unknown): role is Role {
  return role === 'viewer' || role === 'operator';
}
