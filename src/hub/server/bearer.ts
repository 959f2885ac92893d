import type { IncomingMessage } from 'node:http';

const PREFIX = 'bearer.';

/** The token of a request: `Authorization: Bearer TOKEN`, or the subprotocol `bearer.TOKEN`. */
export function tokenOf(request: IncomingMessage): string | undefined {
  const [, bearer] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return bearer ?? subprotocolsOf(request).find(isBearer)?.slice(PREFIX.length);
}

/** The subprotocol that carries a token; never selected, lest the token is sent back. */
export function isBearer(protocol: string): boolean {
  return protocol.startsWith(PREFIX);
}

function subprotocolsOf(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
}
