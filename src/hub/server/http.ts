import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** What is asked for. Of the address only the path is looked at: a token in the rest of it counts for nothing. */
export type Route =
  | { readonly kind: 'vms' | 'events' | 'healthz' | 'metrics' | 'unknown' }
  | { readonly kind: 'vm'; readonly name: string };

export function routeOf(request: IncomingMessage): Route {
  const path = pathOf(request);
  switch (path) {
    case '/vms':
    case '/events':
    case '/healthz':
    case '/metrics':
      return { kind: path.slice(1) as 'vms' };
    default: {
      // Names of VMs hold nothing that an address would escape.
      const name = /^\/vms\/([^/]+)$/.exec(path)?.[1];
      return name === undefined ? { kind: 'unknown' } : { kind: 'vm', name };
    }
  }
}

/** For the log: without the query, where somebody may have put a token by mistake. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/[?#].*$/s, '');
}

export function respond(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
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

function headersOf(status: number, body: string, type: string): Record<string, string> {
  return {
    Connection: 'close',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': String(Buffer.byteLength(body)),
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
  };
}
