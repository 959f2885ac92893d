/** Headers, in the shape of `MsgHdrs` of `@nats-io/nats-core`, which `rx-qmp/testing` does without. */
export interface NatsHeaders extends Iterable<[string, string[]]> {
  /** Whether the status is an error. */
  readonly hasError: boolean;
  /** Code and description. */
  readonly status: string;
  /** Of a message of the server itself; 503 says that nobody is subscribed. 0 for others. */
  readonly code: number;
  /** What the code means. */
  readonly description: string;
  /** The first value, or an empty string. */
  get(name: string): string;
  /** Sets the one value. */
  set(name: string, value: string): void;
  /** Adds a value. */
  append(name: string, value: string): void;
  /** Whether there is a value. */
  has(name: string): boolean;
  /** The names. */
  keys(): string[];
  /** All values. */
  values(name: string): string[];
  /** Removes all values. */
  delete(name: string): void;
  /** The last value, or an empty string. */
  last(name: string): string;
}

/** What goes with a message. */
export interface NatsPublishOptions {
  /** Where an answer is expected. */
  readonly reply?: string;
  /** Its headers. */
  readonly headers?: NatsHeaders;
}

/** A message, in the shape of NATS's `Msg`. */
export interface NatsMessage {
  /** What it was published to. */
  readonly subject: string;
  /** Of the subscription; always 0. */
  readonly sid: number;
  /** Where an answer is expected. */
  readonly reply?: string;
  /** The payload. */
  readonly data: Uint8Array;
  /** Its headers. */
  readonly headers?: NatsHeaders;
  /** Publishes an answer. False where none is expected. */
  respond(payload?: Uint8Array | string, options?: NatsPublishOptions): boolean;
  /** The payload as JSON. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the shape is NATS's
  json<T>(): T;
  /** The payload as text. */
  string(): string;
}

/** The headers of a message that comes from the server itself, or from an agent. */
export class FakeHeaders implements NatsHeaders {
  readonly code: number;
  readonly description: string;
  readonly #values = new Map<string, string[]>();

  constructor(values: Readonly<Record<string, string>> = {}, code = 0, description = '') {
    for (const [name, value] of Object.entries(values)) this.set(name, value);
    this.code = code;
    this.description = description;
  }

  get hasError(): boolean {
    return this.code >= 300;
  }

  get status(): string {
    return `${this.code} ${this.description}`;
  }

  [Symbol.iterator](): Iterator<[string, string[]]> {
    return this.#values.entries();
  }

  get(name: string): string {
    return this.values(name)[0] ?? '';
  }

  set(name: string, value: string): void {
    this.#values.set(name, [value]);
  }

  append(name: string, value: string): void {
    this.#values.set(name, [...this.values(name), value]);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  values(name: string): string[] {
    return this.#values.get(name) ?? [];
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  last(name: string): string {
    return this.values(name).at(-1) ?? '';
  }
}

/** @param respond publishes */
export function messageOf(
  subject: string,
  payload: Uint8Array | string,
  { reply, headers }: NatsPublishOptions,
  respond: (subject: string, payload: Uint8Array | string, options: NatsPublishOptions) => void,
): NatsMessage {
  const data = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const text = (): string => new TextDecoder().decode(data);
  return {
    ...{ subject, sid: 0, data },
    ...(reply !== undefined && { reply }),
    ...(headers && { headers }),
    respond: (answer = '', options = {}) => {
      if (reply === undefined || reply === '') return false;
      respond(reply, answer, options);
      return true;
    },
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the shape is NATS's
    json: <T>() => JSON.parse(text()) as T,
    string: text,
  };
}
