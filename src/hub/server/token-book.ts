import { createHash, timingSafeEqual } from 'node:crypto';
import { checkToken, type HubToken } from './tokens.js';
import { bearerOf, type Visitor } from './visitor.js';

/** Knows whose token it is, in a time that tells nothing of the tokens. */
export class TokenBook {
  readonly #entries: readonly { readonly visitor: Visitor; readonly digest: Buffer }[];

  /**
   * @param allow what operators may run where a token does not say it
   * @throws TypeError if a token is not valid, or is there twice
   */
  constructor(tokens: readonly HubToken[], allow: readonly string[]) {
    tokens.forEach((token, index) => {
      checkToken(`token ${index + 1}`, token);
      if (tokens.findIndex((other) => other.token === token.token) !== index) {
        throw new TypeError(`token ${index + 1} is there twice`);
      }
    });
    this.#entries = tokens.map((token, index) => {
      const { name = `${token.role}-${index + 1}` } = token;
      const digest = digestOf(token.token);
      return { visitor: bearerOf({ ...token, name }, allow, digest.toString('hex')), digest };
    });
  }

  visitorOf(token: string): Visitor | undefined {
    const digest = digestOf(token);
    let visitor: Visitor | undefined;
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) visitor = entry.visitor;
    return visitor;
  }

  /** True while the visitor's token is in the book, and allows and shows the same. */
  knows(visitor: Visitor): boolean {
    return this.#entries.some((entry) => isSame(entry.visitor, visitor));
  }
}

function isSame(one: Visitor, other: Visitor): boolean {
  const factsOf = ({ id, rights, view }: Visitor): string => JSON.stringify([id, rights, view.key]);
  return factsOf(one) === factsOf(other);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
