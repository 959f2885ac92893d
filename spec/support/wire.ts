import { Observable, Subject } from 'rxjs';
import { QmpClient, type Connection, type Connector, type QmpClientOptions } from 'rx-qmp';
import { event, greeting, type Received } from './scripted-server.js';

/** One connection in memory; a spec is the server at its other end. */
export class Line implements Connection {
  readonly sent: Received[] = [];
  readonly subscribed: Promise<void>;
  subscriptions = 0;
  /** Is called from inside `send`. */
  onSend: (() => void) | undefined;
  closed = 0;
  readonly #incoming = new Subject<Uint8Array | string>();
  #noteSubscribed!: () => void;

  constructor() {
    this.subscribed = new Promise((resolve) => (this.#noteSubscribed = resolve));
  }

  readonly incoming$ = new Observable<Uint8Array | string>((subscriber) => {
    this.subscriptions += 1;
    this.#noteSubscribed();
    return this.#incoming.subscribe(subscriber);
  });

  send(data: string | Uint8Array): void {
    const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
    for (const line of text.split('\n').slice(0, -1)) this.sent.push({ ...(JSON.parse(line) as object), line });
    this.onSend?.();
  }

  close(): void {
    this.closed += 1;
  }

  /** The server sends: text and bytes as they are, objects as a line each. */
  receive(...messages: (string | Uint8Array | object)[]): void {
    for (const message of messages) {
      const raw = typeof message === 'string' || message instanceof Uint8Array;
      this.#incoming.next(raw ? message : `${JSON.stringify(message)}\r\n`);
    }
  }

  emit(name: string, data?: object): void {
    this.receive(event(name, data));
  }

  /** Answers a command: the latest if none is given. */
  reply(result: unknown = {}, command = this.sent.at(-1)): void {
    this.receive({ return: result, id: command?.id });
  }

  refuse(desc: string, command = this.sent.at(-1)): void {
    this.receive({ error: { class: 'GenericError', desc }, id: command?.id });
  }

  handshake(...capabilities: string[]): void {
    this.receive(greeting(...capabilities));
    this.reply();
  }

  /** The server closes in good order. */
  end(): void {
    this.#incoming.complete();
  }

  /** The connection breaks. */
  break(cause = new Error('read ECONNRESET')): void {
    this.#incoming.error(cause);
  }
}

/** A connector that opens {@link Line}s, and whoever waits for them. */
export class Wire {
  readonly lines: Line[] = [];
  /** Members that each connection gets besides. */
  extra: Partial<Connection> = {};
  readonly connector: Connector;
  #waiting: (() => void)[] = [];

  constructor() {
    const open = (): Promise<Connection> => {
      const line = Object.assign(new Line(), this.extra);
      this.lines.push(line);
      for (const look of this.#waiting.splice(0)) look();
      return Promise.resolve(line);
    };
    this.connector = Object.assign(open, { address: 'wire' });
  }

  /** The line number so-and-so, from 1, once the client reads from it. */
  async line(number: number): Promise<Line> {
    while (this.lines.length < number) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const line = this.lines[number - 1] as Line;
    await line.subscribed;
    return line;
  }
}

export interface Wired {
  readonly client: QmpClient;
  readonly wire: Wire;
  readonly line: Line;
}

/** A client in its first session. */
export async function connected(options: QmpClientOptions = {}, ...capabilities: string[]): Promise<Wired> {
  const wire = new Wire();
  const client = new QmpClient(wire.connector, options);
  const greeted = client.connect();
  const line = await wire.line(1);
  line.handshake(...capabilities);
  await greeted;
  return { client, wire, line };
}

/** The values of an Observable as they come. */
export function collect<T>(source: Observable<T>): T[] {
  const values: T[] = [];
  source.subscribe({ next: (value) => values.push(value) });
  return values;
}

/** A name that no map lists, as a program would get it from elsewhere. */
export function unlisted(name: string): string {
  return name;
}
