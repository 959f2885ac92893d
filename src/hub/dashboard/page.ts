import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import sirv from 'sirv';

/** Stands in the built index.html where each response gets a nonce of its own. */
const NONCE = '__CSP_NONCE__';

/** The built dashboard, ready to be served. It holds nothing secret: who looks at it needs a token for what it shows. */
export class DashboardPage {
  readonly #index: string;
  readonly #files: ReturnType<typeof sirv>;

  /**
   * Reads what is in the folder once; files that come later are not served.
   *
   * @throws Error if there is no built page
   */
  constructor(folder: string) {
    const index = join(folder, 'index.html');
    if (!existsSync(index)) {
      throw new Error(`there is no built dashboard in ${folder}; npm run build:dashboard makes it`);
    }
    this.#index = readFileSync(index, 'utf8');
    // The names of all files but index.html change with their content.
    this.#files = sirv(folder, { dev: false, etag: true, maxAge: 31_536_000, immutable: true, setHeaders: harden });
  }

  /** Answers for a GET or HEAD; calls `notFound` where the page has no such file. */
  serve(request: IncomingMessage, response: ServerResponse, notFound: () => void): void {
    const path = (request.url ?? '').replace(/[?#].*$/s, '');
    if (path === '/') this.#serveIndex(request, response);
    else if (path === '/index.html') notFound();
    else this.#files(request, response, notFound);
  }

  #serveIndex(request: IncomingMessage, response: ServerResponse): void {
    const nonce = randomBytes(18).toString('base64');
    const page = this.#index.replaceAll(NONCE, nonce);
    harden(response);
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(page),
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policy(nonce),
    });
    response.end(request.method === 'HEAD' ? undefined : page);
  }
}

function harden(response: ServerResponse): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

/** Scripts and styles of the page's own alone, no other host to talk to, and no frame around it. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data: blob:",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
