import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Role } from '../../gateway/vm-info.js';
import { bearerOf, type Visitor } from './visitor.js';

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

/** Knows whose token it is, in a time that tells nothing of the tokens. */
export class TokenBook {
  readonly #entries: readonly { readonly visitor: Visitor; readonly digest: Buffer }[];

  /**
   * @param allow what operators may run where a token does not say it
   * @throws TypeError if a token is not valid, or is there twice
   */
  constructor(tokens: readonly HubToken[], allow: readonly string[]) {
    tokens.forEach(({ role, token }, index) => {
      if (!isRole(role)) throw new TypeError(`the role of token ${index + 1} must be viewer or operator`);
      checkToken(`token ${index + 1}`, token);
      if (tokens.findIndex((other) => other.token === token) !== index) {
        throw new TypeError(`token ${index + 1} is there twice`);
      }
    });
    this.#entries = tokens.map((token, index) => {
      const { name = `${token.role}-${index + 1}` } = token;
      return { visitor: bearerOf({ ...token, name }, allow), digest: digestOf(token.token) };
    });
  }

  visitorOf(token: string): Visitor | undefined {
    const digest = digestOf(token);
    let visitor: Visitor | undefined;
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) visitor = entry.visitor;
    return visitor;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isRole(role: unknown): role is Role {
  return role === 'viewer' || role === 'operator';
}

function checkToken(what: string, token: unknown): void {
  if (typeof token !== 'string' || !FITTING.test(token)) {
    throw new TypeError(
      `${what} must be 16 to 512 letters, digits and !#$%&'*+.^_\`|~- (base64url fits, base64 does not)`,
    );
  }
}
