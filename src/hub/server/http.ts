import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** What is asked for. */
export type Route =
  | { readonly kind: 'vms' | 'events' | 'healthz' | 'readyz' | 'metrics' | 'unknown' }
  | { readonly kind: 'vm' | 'vm-events' | 'vm-audit' | 'vm-screen'; readonly name: string };

/** Of the address the path says what is asked for; a token in the rest of it counts for nothing. */
export function routeOf(request: IncomingMessage): Route {
  const path = pathOf(request);
  switch (path) {
    case '/vms':
    case '/events':
    case '/healthz':
    case '/readyz':
    case '/metrics':
      return { kind: path.slice(1) as 'vms' };
    default: {
      const [, encoded, part] = /^\/vms\/([^/]+)(?:\/(events|audit|screen))?$/.exec(path) ?? [];
      const name = encoded === undefined ? undefined : decoded(encoded);
      if (name === undefined) return { kind: 'unknown' };
      return { kind: part === undefined ? 'vm' : (`vm-${part}` as 'vm-events'), name };
    }
  }
}

/** For the log: without the query, where somebody may have put a token by mistake. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/[?#].*$/s, '');
}

/** What stands after the `?`. */
export function queryOf(request: IncomingMessage): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(request.url ?? '')?.[1]);
}

export function respond(response: ServerResponse, status: number, body: string | Buffer, type = 'text/plain'): void {
  response.writeHead(status, headersOf(status, body, type)).end(body);
}

/** Answers a request for a WebSocket with no. */
export function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  const lines = Object.entries(headersOf(status, message, 'text/plain')).map(([name, value]) => `${name}: ${value}`);
  socket.once('finish', () => {
    socket.destroy();
  });
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${message}`);
}

function headersOf(status: number, body: string | Buffer, type: string): Record<string, string> {
  return {
    Connection: 'close',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Type': typeof body === 'string' ? `${type}; charset=utf-8` : type,
    'Content-Length': String(Buffer.byteLength(body)),
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
