import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';

export const OPERATOR = 'operator-0123456789';
export const VIEWER = 'viewer-0123456789abc';

export type Json = Readonly<Record<string, unknown>>;

export interface RawOptions extends ClientOptions {
  readonly token?: string;
  readonly protocols?: readonly string[];
}

/** A WebSocket client without any manners of its own: what comes is kept, what goes is sent as it is. */
export class RawClient {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #messages: Json[] = [];
  readonly #waiting: ((message: Json) => void)[] = [];

  private constructor(url: string, { token, protocols, ...options }: RawOptions) {
    const headers = { ...(token !== undefined && { Authorization: `Bearer ${token}` }), ...options.headers };
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), [...(protocols ?? [])], { ...options, headers });
    this.socket.on('message', (data: Buffer) => {
      for (const line of data.toString().split('\n')) if (line.trim() !== '') this.#take(JSON.parse(line) as Json);
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Rejects with the status where the door stays shut: `Unexpected server response: 401`. */
  static async open(url: string, options: RawOptions = {}): Promise<RawClient> {
    const client = new RawClient(url, options);
    await once(client.socket, 'open');
    client.socket.on('error', () => undefined);
    return client;
  }

  /** Opened, greeted and negotiated. */
  static async negotiated(url: string, options: RawOptions = {}, enable: readonly string[] = []): Promise<RawClient> {
    const client = await RawClient.open(url, options);
    await client.next();
    await client.ask({ execute: 'qmp_capabilities', arguments: { enable } });
    return client;
  }

  /** Unread messages. */
  get size(): number {
    return this.#messages.length;
  }

  send(message: Json | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message that nobody has taken. */
  next(): Promise<Json> {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  ask(message: Json | string): Promise<Json> {
    this.send(message);
    return this.next();
  }

  async close(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }

  #take(message: Json): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(message);
    else this.#messages.push(message);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A plain request; `headers` may lie about the Host. */
export async function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const sent = request(url, { headers, method, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk as string;
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** The status with which a WebSocket is refused. */
export async function refusal(url: string, options: RawOptions = {}): Promise<number> {
  try {
    await (await RawClient.open(url, options)).close();
    return 101;
  } catch (error) {
    return Number(/Unexpected server response: (\d+)/.exec((error as Error).message)?.[1] ?? NaN);
  }
}

/** What is answered to bytes of one's own. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(text);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk as string;
  return answer;
}
