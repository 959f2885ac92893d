import { excerpt, show } from '../foundation/text.js';
import type { Connection, Connector } from './connection.js';
import { SocketInbox } from './socket-inbox.js';
import { closeReason, WebSocketError } from './web-socket-error.js';
import { stoppedReading } from './send-limit.js';

/** The part of a WebSocket that is used: those of browsers, of Node (from 22 on) and of `ws` fit. */
export interface WebSocketLike {
  /** How binary frames arrive; set to `arraybuffer`. */
  binaryType: string;
  /** Bytes that are not sent yet. */
  readonly bufferedAmount: number;
  /** Is called when the WebSocket is open. */
  onopen: ((event: never) => void) | null;
  /** Is called with each frame. */
  onmessage: ((event: never) => void) | null;
  /** Is called when it fails to open, or breaks. */
  onerror: ((event: never) => void) | null;
  /** Is called when it is closed. */
  onclose: ((event: never) => void) | null;
  /** Sends a frame. */
  send(data: string | ArrayBuffer): void;
  /** Closes it in good order. */
  close(code?: number, reason?: string): void;
  /** Closes it at once; only `ws` has it. */
  terminate?(): void;
}

/** The class of a WebSocket, as a browser has it. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** How a WebSocket is opened, and with which class. */
export interface WebSocketOptions {
  /** Subprotocols to offer. @default `qmp` with a token, which is what the hub selects; else none */
  readonly protocols?: readonly string[];
  /** Is sent as the subprotocol `bearer.<token>`: a browser can send no other header, and addresses end up in logs. */
  readonly token?: string;
  /** The class to use; on Node 20 that of `ws`. @default the global one */
  readonly WebSocket?: WebSocketClass;
}

/** What the subprotocol of a WebSocket may be made of. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/**
 * Connects to a VM of the hub, in browsers and in Node: `webSocket('wss://hub.example/vms/vm1', { token })`.
 *
 * QEMU's own WebSocket monitor (`websocket=on`) greets, but never answers a command, and lets every web page in: use the hub.
 * What rejects `connect()` or ends a session has a {@link WebSocketError} as its `cause`.
 *
 * @param url `ws:` or `wss:`; `http:` and `https:` mean the same
 * @throws TypeError if the address, the token or the class is not valid
 */
export function webSocket(url: string, options: WebSocketOptions = {}): Connector {
  const target = socketUrl(url);
  const protocols = protocolsOf(options);
  const Socket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (typeof Socket !== 'function') {
    throw new TypeError("there is no WebSocket here; on Node 20 pass that of 'ws': webSocket(url, { WebSocket })");
  }
  return Object.assign((signal: AbortSignal) => dial(Socket, target, protocols, signal), {
    address: target,
    heartbeat: HEARTBEAT,
  });
}

/** The address with a WebSocket's scheme. @throws TypeError if it is not valid, or holds a password */
export function socketUrl(url: string): string {
  const [, scheme, rest] = /^(ws|http)(s?:\/\/.+)$/is.exec(typeof url === 'string' ? url : '') ?? [];
  if (!scheme || !rest || !URL.canParse(url)) throw new TypeError(`url must be ws://… or wss://…, not ${show(url)}`);
  const parsed = new URL(`ws${rest}`);
  if (parsed.username || parsed.password) throw new TypeError('url must hold no user and no password; use the token');
  parsed.hash = '';
  return parsed.href;
}

function protocolsOf({ protocols, token }: WebSocketOptions): string[] {
  if (token === undefined) return [...(protocols ?? [])];
  if (!TOKEN.test(token)) throw new TypeError("token may hold letters, digits and !#$%&'*+.^_`|~- only");
  return [...(protocols ?? ['qmp']), `bearer.${token}`];
}

/** What the error event of `ws` tells; that of a browser has neither. */
interface Failure {
  readonly message?: string;
  readonly error?: unknown;
}

interface CloseEvent {
  readonly code: number;
  readonly reason: string;
}

const ABNORMAL: CloseEvent = { code: 1006, reason: '' };

/** Milliseconds; proxies on the way cut what is silent for a minute. */
const HEARTBEAT = 30_000;

function dial(Socket: WebSocketClass, url: string, protocols: string[], signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = new Socket(url, protocols);
    const inbox = new SocketInbox();
    let closing = false;
    const close = (): void => {
      closing = true;
      socket.close(1000);
      socket.terminate?.();
    };
    const giveUp = (): void => {
      close();
      reject(signal.reason as Error);
    };
    let opened = false;
    let failure: Failure = {};
    signal.addEventListener('abort', giveUp, { once: true });
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
      inbox.next(typeof data === 'string' ? data : new Uint8Array(data));
    };
    socket.onerror = ({ message, error }: Failure) => {
      failure = { ...(message !== undefined && { message }), error };
      // Node 22 tells no close where the handshake failed.
      setTimeout(() => socket.onclose?.(ABNORMAL as never));
    };
    socket.onclose = (event: CloseEvent) => {
      socket.onclose = null;
      signal.removeEventListener('abort', giveUp);
      const error = closedBy(url, event, opened, failure);
      if (opened && (closing || error.reason === 'normal')) inbox.complete();
      else inbox.error(error);
      reject(error);
    };
    socket.onopen = () => {
      signal.removeEventListener('abort', giveUp);
      opened = true;
      resolve({
        incoming$: inbox.incoming$,
        send: (data) => {
          // A copy of bytes: the frame may go out later.
          socket.send(typeof data === 'string' ? data : new Uint8Array(data).buffer);
          const error = stoppedReading(socket.bufferedAmount);
          if (!error) return;
          inbox.error(error);
          close();
        },
        close,
      });
    };
  });
}

function closedBy(url: string, { code, reason: text }: CloseEvent, opened: boolean, failure: Failure): WebSocketError {
  const how = opened ? `closed with ${code}` : `not opened (${code})`;
  const why = text === '' ? failure.message : excerpt(text);
  const message = `${url}: ${how} ${closeReason(code)}${why ? `: ${why}` : ''}`;
  return new WebSocketError(message, { code, text }, failure.error === undefined ? {} : { cause: failure.error });
}
