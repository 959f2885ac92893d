import type { Socket } from 'node:net';
import { Observable, type Subscriber } from 'rxjs';
import type { Connection } from '../../connection.js';
import type { SendMessage } from './send-message.js';

interface Waiting {
  readonly data: string | Uint8Array;
  readonly fds?: readonly number[];
}

/** The other end is gone: the end of what it has sent tells of it. */
const GONE: ReadonlySet<number | string> = new Set(['EPIPE', 'ECONNRESET', 'ENOTCONN']);

/** A connection over a unix socket that passes descriptors, in order with everything else that is sent. */
export class DescriptorSender implements Connection {
  readonly incoming$: Observable<Uint8Array | string>;
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #sendMessage: SendMessage;
  /** What has to wait until the socket has written what Node holds for it. */
  readonly #waiting: Waiting[] = [];
  #writing = false;
  #subscriber: Subscriber<Uint8Array | string> | undefined;

  constructor(connection: Connection, socket: Socket, sendMessage: SendMessage) {
    this.#connection = connection;
    this.#socket = socket;
    this.#sendMessage = sendMessage;
    this.incoming$ = new Observable((subscriber) => {
      this.#subscriber = subscriber;
      return connection.incoming$.subscribe(subscriber);
    });
  }

  send(data: string | Uint8Array): void {
    if (this.#waiting.length === 0) this.#connection.send(data);
    else this.#waiting.push({ data: typeof data === 'string' ? data : new Uint8Array(data) });
  }

  sendWithFds(data: string, fds: readonly number[]): void {
    this.#waiting.push({ data, fds });
    this.#pump();
  }

  close(): void {
    this.#waiting.length = 0;
    this.#connection.close();
  }

  #pump(): void {
    while (!this.#writing) {
      const [next] = this.#waiting;
      if (!next) return;
      if (!next.fds) this.#connection.send(next.data);
      else if (!this.#pass(String(next.data), next.fds)) {
        this.#waitForWrite();
        return;
      }
      this.#waiting.shift();
    }
  }

  /** QEMU takes the descriptors that come with a command, so both go in one message. False if the socket takes nothing now. */
  #pass(text: string, fds: readonly number[]): boolean {
    if (this.#socket.writableLength > 0) return false;
    const bytes = Buffer.from(text);
    // Undocumented, but Node offers no other way to the number of a socket.
    const { fd } = (this.#socket as unknown as { _handle: { fd: number } | null })._handle ?? { fd: -1 };
    if (fd < 0) return true;
    const sent = this.#sendMessage(fd, bytes, fds);
    if (sent === 'EAGAIN') return false;
    if (typeof sent === 'string') {
      if (!GONE.has(sent)) this.#refuse(text, sent);
    } else if (sent < bytes.length) this.#connection.send(bytes.subarray(sent));
    return true;
  }

  /** A line feed between commands means nothing to QEMU; Node says when it is written, and with it all before. */
  #waitForWrite(): void {
    this.#writing = true;
    this.#socket.write('\n', () => {
      this.#writing = false;
      if (!this.#socket.destroyed) this.#pump();
    });
  }

  /** Nothing was sent: the command alone fails, as if QEMU had refused it. */
  #refuse(text: string, error: string): void {
    const { id } = JSON.parse(text) as { id?: unknown };
    const desc =
      error === 'EBADF'
        ? 'one of fds is not an open descriptor; the command was not sent'
        : `the descriptors cannot be passed (${error}); the command was not sent`;
    this.#subscriber?.next(`${JSON.stringify({ error: { class: 'GenericError', desc }, id })}\n`);
  }
}
