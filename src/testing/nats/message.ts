/** Headers, in the shape of `MsgHdrs` of `@nats-io/nats-core`, which `rx-qmp/testing` does without. */
export interface NatsHeaders extends Iterable<[string, string[]]> {
  readonly hasError: boolean;
  readonly status: string;
  readonly code: number;
  readonly description: string;
  get(name: string): string;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  has(name: string): boolean;
  keys(): string[];
  values(name: string): string[];
  delete(name: string): void;
  last(name: string): string;
}

export interface NatsPublishOptions {
  readonly reply?: string;
  readonly headers?: NatsHeaders;
}

/** A message, in the shape of NATS's `Msg`. */
export interface NatsMessage {
  readonly subject: string;
  readonly sid: number;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: NatsHeaders;
  respond(payload?: Uint8Array | string, options?: NatsPublishOptions): boolean;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the shape is NATS's
  json<T>(): T;
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
