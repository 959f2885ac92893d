import type { RawData, WebSocket } from 'ws';
import type { Counters } from '../../gateway/counters.js';
import type { HubLimits } from './options.js';
import type { TurnEnd } from './turn-end.js';

/** What a frame that closes a WebSocket has room for. */
const REASON_BYTES = 123;
/** Bytes that a client is sent ahead, by those who can wait for it. */
const AHEAD = 1024 * 1024;
/** A longer message goes out in fragments, so that it can be seen whether it is being read. */
const FRAGMENT_BYTES = 256 * 1024;
/** Milliseconds without reading, while there is something to read. */
const STALLED = 10_000;
/** Milliseconds without a word, after which a blank line says that the hub is there. */
const QUIET = 15_000;

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
  /** Is told by how many bytes the client's weight grows, or shrinks. */
  readonly tally: (bytes: number) => void;
  readonly turnEnd: TurnEnd;
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
  #read: (() => void) | undefined;
  readonly #pinging: NodeJS.Timeout;
  #alive = true;
  /** The pong that is on its way out, and the ping that came meanwhile. */
  #ponging = false;
  #pinged: Buffer | undefined;
  #open = true;
  /** What this turn has brought so far: it goes out as one message. */
  #held: Buffer[] = [];
  #unread = 0;
  #owed = 0;
  #readAt = 0;
  #sentAt = performance.now();
  readonly #flush = (): void => {
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) this.#transmit(held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held));
  };

  constructor(socket: WebSocket, options: ClientSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#pinging = setInterval(() => {
      this.#ping();
    }, options.limits.pingInterval);
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('ping', (payload: Buffer) => {
      this.#pinged = payload;
      if (!this.#ponging) this.#pong();
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
        this.#forget();
        resolve(code);
      });
    });
  }

  /** Bytes of the hub's memory: what was sent and not read, or is about to be sent, and what the client's commands take. */
  get weight(): number {
    return this.#unread + this.#owed;
  }

  /** Bytes that can be sent before one has to wait until they are read; {@link onRead} tells when there is more. */
  get room(): number {
    return this.#open ? Math.min(AHEAD, this.#options.limits.unreadBytes / 2) - this.#unread : 0;
  }

  /** So many bytes more, or less, are taken by commands that have no answer. */
  owe(bytes: number): void {
    // What comes back after the end was taken off then.
    const change = Math.max(bytes, -this.#owed);
    this.#owed += change;
    this.#options.tally(change);
  }

  /** @param received is handed each message, @param ended is called once, when nothing can be sent any more */
  serve(received: (bytes: Buffer) => void, ended: () => void): void {
    this.#received = received;
    this.#ended = ended;
  }

  /** @param read is called whenever the client has read something */
  onRead(read: () => void): void {
    this.#read = read;
  }

  /** Takes nothing more from the client, apart from what has arrived. */
  pause(): void {
    if (this.#open) this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends whole lines, unless what was sent before is still unread: then the client is cut off. */
  send(lines: string | Buffer): void {
    if (!this.#open || lines.length === 0) return;
    if (this.#unread > this.#options.limits.unreadBytes) {
      this.cutOff('slow', `${this.#unread} bytes are unread`);
      return;
    }
    if (this.#held.length === 0) this.#options.turnEnd.defer(this.#flush);
    const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines;
    this.#held.push(bytes);
    this.#tally(bytes.length);
  }

  /** Ends the connection for what the client does; it is told why. */
  cutOff(cause: CutOff, why: string): void {
    this.#count(cause, why);
    this.close(CODES[cause], `${cause}: ${why}`);
  }

  /** Cuts it off because it does not read: it would not hear why, and what it has not read is to go now. */
  drop(why: string): void {
    this.#count('slow', why);
    this.terminate();
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#flush();
    this.#end();
    this.#socket.close(code, fitted(reason));
  }

  /** Ends it at once, without a word. */
  terminate(): void {
    this.#end();
    this.#forget();
    this.#socket.terminate();
  }

  /** Looks after a client that has long been silent, or has long been told nothing. */
  look(): void {
    const now = performance.now();
    if (this.#unread > 0 && now - this.#readAt > STALLED) this.drop(`nothing was read for ${STALLED / 1_000} s`);
    else if (now - this.#sentAt > QUIET) this.send('\n');
  }

  #transmit(message: Buffer): void {
    this.#sentAt = performance.now();
    for (let from = 0; from < message.length; from += FRAGMENT_BYTES) {
      const fragment = message.subarray(from, from + FRAGMENT_BYTES);
      const fin = from + FRAGMENT_BYTES >= message.length;
      this.#socket.send(fragment, { binary: false, fin }, () => {
        this.#readAt = performance.now();
        this.#tally(-fragment.length);
        this.#read?.();
      });
    }
  }

  #tally(bytes: number): void {
    if (this.#unread === 0) this.#readAt = performance.now();
    // What comes back after the end was taken off then.
    const change = Math.max(bytes, -this.#unread);
    this.#unread += change;
    this.#options.tally(change);
  }

  #forget(): void {
    const { weight } = this;
    [this.#unread, this.#owed] = [0, 0];
    this.#options.tally(-weight);
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

  /** Of pings that come faster than pongs go out the last is answered: one who sends and does not read costs nothing. */
  #pong(): void {
    const payload = this.#pinged;
    this.#pinged = undefined;
    this.#ponging = payload !== undefined && this.#open;
    if (!this.#ponging) return;
    this.#socket.pong(payload, false, () => {
      this.#pong();
    });
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

function fitted(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= REASON_BYTES) return reason;
  return `${new TextDecoder().decode(bytes.subarray(0, REASON_BYTES - 6)).replace(/\uFFFD+$/, '')}…`;
}
