import { QmpError } from '../protocol/errors.js';

/** Why a WebSocket was closed, in a word. The hub's own meanings are in brackets. */
export type CloseReason =
  | 'normal'
  /** The other end shuts down, or the page is left. */
  | 'going-away'
  | 'protocol-error'
  | 'unsupported-data'
  /** There was no closing frame: the network broke, or the WebSocket did not open. Browsers tell no more. */
  | 'abnormal'
  /** [what was sent is no JSON object] */
  | 'invalid-data'
  /** [more commands than a client may have waiting] */
  | 'policy'
  | 'too-large'
  | 'server-error'
  /** [the session to QEMU has ended; connect again] */
  | 'restart'
  /** [read too slowly] */
  | 'overload'
  | 'tls'
  | 'other';

const REASONS: Readonly<Record<number, CloseReason>> = {
  1000: 'normal',
  1001: 'going-away',
  1002: 'protocol-error',
  1003: 'unsupported-data',
  1005: 'normal',
  1006: 'abnormal',
  1007: 'invalid-data',
  1008: 'policy',
  1009: 'too-large',
  1011: 'server-error',
  1012: 'restart',
  1013: 'overload',
  1015: 'tls',
};

/** A WebSocket did not open, or was closed by the other end. Found as the `cause` of what the client rejects with. */
export class WebSocketError extends QmpError {
  override readonly name = 'WebSocketError';
  /** The closing code of RFC 6455. */
  readonly code: number;
  /** Why, in a word: what {@link code} means. */
  readonly reason: CloseReason;
  /** The other end's own words; empty where there were none. */
  readonly text: string;

  constructor(message: string, fields: { code: number; text: string }, options?: ErrorOptions) {
    super(message, options);
    this.code = fields.code;
    this.reason = closeReason(fields.code);
    this.text = fields.text;
  }
}

export function closeReason(code: number): CloseReason {
  return REASONS[code] ?? 'other';
}
