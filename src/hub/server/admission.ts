import type { IncomingMessage } from 'node:http';
import { tokenOf } from './bearer.js';
import { TokenBook } from './token-book.js';
import type { HubToken } from './tokens.js';
import { anybody, type Visitor } from './visitor.js';

export interface AdmissionOptions {
  readonly hostNames: readonly string[];
  readonly origins: readonly string[];
  /** `undefined` lets everybody in, as an operator. */
  readonly tokens: readonly HubToken[] | undefined;
  /** What operators may run. */
  readonly allow: readonly string[];
}

/** Why a request is not served. */
export interface Refusal {
  /** What it is counted under. */
  readonly cause: 'host' | 'origin' | 'token' | 'not-found' | 'not-running' | 'full' | 'bad-request';
  readonly status: number;
  readonly message: string;
}

export function isRefusal(value: object): value is Refusal {
  return 'status' in value;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Who may come in. A web page of anybody can reach a hub on loopback through the visitor's browser: with a name of its own that
 * resolves to 127.0.0.1 (then the Host gives it away) or directly (then the Origin does). Neither knows a token.
 */
export class Admission {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #tokens: TokenBook | undefined;
  readonly #anybody: Visitor;

  /** @throws TypeError if a name, an origin or a token is not valid */
  constructor({ hostNames, origins, tokens, allow }: AdmissionOptions) {
    for (const name of hostNames) checkHostName(name);
    for (const origin of origins) checkOrigin(origin);
    this.#hosts = new Set([...LOOPBACK, ...hostNames.map((name) => name.toLowerCase())]);
    this.#origins = new Set(origins);
    this.#tokens = tokens && new TokenBook(tokens, allow);
    this.#anybody = anybody(allow);
  }

  /** Host and Origin: whether the request was meant for this hub, and by a page that may use it. */
  checkTarget(request: IncomingMessage): Refusal | undefined {
    const bound = boundAddress(request);
    const host = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(request.headers.host?.toLowerCase() ?? '')?.[1];
    if (!this.#isOurs(host, bound)) {
      return { cause: 'host', status: 403, message: 'this Host is not served here; --host-name adds one' };
    }
    const { origin } = request.headers;
    if (origin !== undefined && !this.#origins.has(origin) && !this.#isOurs(hostOf(origin), bound)) {
      return { cause: 'origin', status: 403, message: 'pages of this Origin are not served; --origin adds one' };
    }
    return undefined;
  }

  /** The token: as whom the bearer comes in. */
  admit(request: IncomingMessage): Visitor | Refusal {
    if (!this.#tokens) return this.#anybody;
    const token = tokenOf(request);
    if (token === undefined) return { cause: 'token', status: 401, message: 'a token is needed' };
    const visitor = this.#tokens.visitorOf(token);
    return visitor ?? { cause: 'token', status: 401, message: 'the token is wrong' };
  }

  #isOurs(host: string | undefined, bound: string): boolean {
    return host !== undefined && (this.#hosts.has(host) || host === bound);
  }
}

/** The address the request came to: an address, unlike a name, cannot be made to mean us by somebody else. */
function boundAddress(request: IncomingMessage): string {
  const address = (request.socket.localAddress ?? '').replace(/^::ffff:/, '');
  return address.includes(':') ? `[${address}]` : address;
}

function hostOf(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined;
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' || protocol === 'https:' ? hostname : undefined;
}

function checkHostName(name: string): void {
  if (!/^([\w.-]+|\[[\da-f:.]+\])$/i.test(name)) {
    throw new TypeError(`a host name is a name or an address without scheme and port, not ${JSON.stringify(name)}`);
  }
}

function checkOrigin(origin: string): void {
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
    throw new TypeError(`an origin is scheme://host[:port] and nothing more, not ${JSON.stringify(origin)}`);
  }
}
