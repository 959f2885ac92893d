import type { RawData, WebSocket } from 'ws';
import type { Counters } from '../../gateway/counters.js';
import type { HubLimits } from './options.js';

/** What a frame that closes a WebSocket has room for. */
const REASON_BYTES = 123;

/** Why a client is cut off. */
export type CutOff = 'slow' | 'flood' | 'bad-json' | 'too-large' | 'protocol' | 'half-open';

const CODES: Readonly<Record<CutOff, number>> = {
  slow: 1013,
  flood: 1008,
  'bad-json': 1007,
  'too-large': 1009,
  protocol: 1002,
  'half-open': 1002,
};

export interface ClientSocketOptions {
  readonly limits: HubLimits;
  readonly counters: Counters;
  readonly log: (line: string) => void;
}

/** The WebSocket of one client of the hub, with what it may take of the hub's memory and time. */
export class ClientSocket {
  /** Resolves with the closing code when the connection is gone altogether. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #options: ClientSocketOptions;
  #received: ((bytes: Buffer) => void) | undefined;
  #ended: (() => void) | undefined;
  readonly #pinging: NodeJS.Timeout;
  #alive = true;
  #open = true;

  constructor(socket: WebSocket, options: ClientSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#pinging = setInterval(() => {
      this.#ping();
    }, options.limits.pingInterval);
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('message', (data: RawData) => {
      this.#alive = true;
      if (this.#open) this.#received?.(data as Buffer);
    });
    socket.on('error', (error: Error & { code?: string }) => {
      // What breaks the rules of WebSockets; ws closes it then.
      this.#count(error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too-large' : 'protocol', error.message);
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', (code: number) => {
        clearInterval(this.#pinging);
        this.#end();
        resolve(code);
      });
    });
  }

  /** @param received is handed each message, @param ended is called once, when nothing can be sent any more */
  serve(received: (bytes: Buffer) => void, ended: () => void): void {
    this.#received = received;
    this.#ended = ended;
  }

  /** Sends, unless what was sent before is still unread: then the client is cut off. */
  send(text: string | Buffer): void {
    if (!this.#open) return;
    const unread = this.#socket.bufferedAmount;
    if (unread > this.#options.limits.unreadBytes) this.cutOff('slow', `${unread} bytes are unread`);
    else this.#socket.send(text, { binary: false });
  }

  /** Ends the connection for what the client does; it is told why. */
  cutOff(cause: CutOff, why: string): void {
    this.#count(cause, why);
    this.close(CODES[cause], `${cause}: ${why}`);
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#end();
    this.#socket.close(code, shorten(reason));
  }

  /** Ends it at once, without a word. */
  terminate(): void {
    this.#end();
    this.#socket.terminate();
  }

  #ping(): void {
    if (!this.#alive) {
      if (this.#open) this.#count('half-open', 'no answer to a ping');
      this.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  #count(cause: CutOff, why: string): void {
    if (!this.#open) return;
    this.#options.counters.cutOff(cause);
    this.#options.log(`cut off: ${cause}: ${why}`);
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#ended?.();
  }
}

function shorten(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= REASON_BYTES) return reason;
  return `${new TextDecoder().decode(bytes.subarray(0, REASON_BYTES - 6)).replace(/\uFFFD+$/, '')}…`;
}
