import type { IncomingMessage, ServerResponse } from 'node:http';
import { tokenOf } from './bearer.js';
import { TokenBook } from './token-book.js';
import type { HubToken } from './tokens.js';
import { anybody, type Visitor } from './visitor.js';

export interface AdmissionOptions {
  readonly hostNames: readonly string[];
  readonly origins: readonly string[];
  /** `undefined` lets everybody in, as an operator. */
  readonly tokens: readonly HubToken[] | undefined;
  /** A proxy in front has a port of its own. */
  readonly behindProxy: boolean;
  readonly tls: boolean;
  /** What operators may run. */
  readonly allow: readonly string[];
}

/** Why a request is not served. */
export interface Refusal {
  /** What it is counted under. */
  readonly cause: 'host' | 'origin' | 'token' | 'forbidden' | 'not-found' | 'not-running' | 'full' | 'bad-request';
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
  readonly #options: AdmissionOptions;
  readonly #anybody: Visitor;
  #tokens: TokenBook | undefined;

  /** @throws TypeError if a name, an origin or a token is not valid */
  constructor(options: AdmissionOptions) {
    const { hostNames, origins, tokens, allow } = options;
    for (const name of hostNames) checkHostName(name);
    for (const origin of origins) checkOrigin(origin);
    this.#options = options;
    this.#hosts = new Set([...LOOPBACK, ...hostNames.map((name) => name.toLowerCase())]);
    this.#origins = new Set(origins);
    this.#tokens = tokens && new TokenBook(tokens, allow);
    this.#anybody = anybody(allow);
  }

  /** Other tokens from now on. @throws TypeError if one is not valid; then nothing has changed */
  setTokens(tokens: readonly HubToken[]): void {
    this.#tokens = new TokenBook(tokens, this.#options.allow);
  }

  /** True while the visitor would be admitted again, as the same. */
  knows(visitor: Visitor): boolean {
    return this.#tokens?.knows(visitor) ?? true;
  }

  /**
   * Host and Origin: whether the request was meant for this hub, and by a page that may use it.
   *
   * @param isPage the request is for a file of the hub's own page, which a link anywhere may lead to
   */
  checkTarget(request: IncomingMessage, isPage: boolean): Refusal | undefined {
    if (request.rawHeaders.filter((header, index) => index % 2 === 0 && header.toLowerCase() === 'host').length > 1) {
      return { cause: 'bad-request', status: 400, message: 'more than one Host' };
    }
    const host = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(request.headers.host?.toLowerCase() ?? '')?.[1];
    if (!this.#isOurs(host, boundAddress(request))) {
      return { cause: 'host', status: 403, message: 'this Host is not served here; --host-name adds one' };
    }
    const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers;
    if (origin !== undefined && !this.#allows(origin, request)) {
      return { cause: 'origin', status: 403, message: 'pages of this Origin are not served; --origin adds one' };
    }
    if (origin === undefined && site === 'cross-site' && !(isPage && mode === 'navigate')) {
      return { cause: 'origin', status: 403, message: 'pages of other sites are not served; --origin adds one' };
    }
    return undefined;
  }

  /** Lets a page of an allowed Origin read the answer. @returns whether that was all that was asked for */
  answerPage(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined || this.checkTarget(request, false)) return false;
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Headers', 'Authorization');
    if (request.method !== 'OPTIONS') return false;
    response.writeHead(204).end();
    return true;
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

  /** Another port is another origin, also of this machine. */
  #allows(origin: string, request: IncomingMessage): boolean {
    if (this.#origins.has(origin)) return true;
    if (!URL.canParse(origin)) return false;
    const { protocol, hostname, port } = new URL(origin);
    if (!this.#isOurs(hostname, boundAddress(request))) return false;
    const { behindProxy, tls } = this.#options;
    if (behindProxy && port === '') return protocol === 'https:' || protocol === 'http:';
    const standard = protocol === 'https:' ? '443' : '80';
    return protocol === (tls ? 'https:' : 'http:') && Number(port || standard) === request.socket.localPort;
  }
}

/** The address the request came to: an address, unlike a name, cannot be made to mean us by somebody else. */
function boundAddress(request: IncomingMessage): string {
  const address = (request.socket.localAddress ?? '').replace(/^::ffff:/, '');
  return address.includes(':') ? `[${address}]` : address;
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
