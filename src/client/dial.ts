import { show } from '../foundation/text.js';
import { whenAborted } from '../foundation/abort.js';
import { ConnectError, QmpError } from '../protocol/errors.js';
import type { Connection, Connector } from '../transport/connection.js';

/** Opens one connection: limits the time that takes, and lets go of a connection that comes too late. */
export class Dial {
  readonly #name: string;
  readonly #timeout: number;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #phase: ConnectError['phase'] = 'connecting';

  /** @param timeout milliseconds until it gives up; Infinity where the caller has a clock, which calls {@link expire} */
  constructor(name: string, timeout: number) {
    this.#name = name;
    this.#timeout = timeout;
  }

  /** Aborts with a {@link QmpError} that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects with a `ConnectError`. The handshake is the caller's; it listens to {@link signal} then. */
  open(connector: Connector<object>): Promise<Connection> {
    const { signal } = this;
    if (signal.aborted) return Promise.reject(this.error(signal.reason));
    if (this.#timeout !== Infinity) {
      this.#timer = setTimeout(() => {
        this.expire(this.#timeout, connector.silence);
      }, this.#timeout);
    }
    return new Promise((resolve, reject) => {
      const stopWatching = whenAborted(signal, () => {
        reject(this.error(signal.reason));
      });
      opened(connector, signal)
        .then((connection) => {
          stopWatching();
          if (signal.aborted) {
            connection.close();
            return;
          }
          this.finish();
          this.#phase = 'negotiating';
          resolve(connection);
        })
        .catch((cause: unknown) => {
          stopWatching();
          this.finish();
          reject(this.error(cause));
        });
    });
  }

  /** Gives the attempt up. */
  abort(cause: QmpError): void {
    this.finish();
    this.#controller.abort(cause);
  }

  /** Gives up after `time` milliseconds. @param silence what it may mean that nobody answered, see {@link Connector} */
  expire(time: number, silence: string | undefined): void {
    const meaning = silence === undefined ? '' : `: ${silence}`;
    this.abort(new QmpError(`${this.#name}: no connection within ${time} ms${meaning}`));
  }

  /** Stops the clock. */
  finish(): void {
    clearTimeout(this.#timer);
  }

  error(cause: unknown): ConnectError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const named = reason.startsWith(`${this.#name}: `) ? reason : `${this.#name}: ${reason}`;
    return new ConnectError(`cannot connect to ${named}`, this.#phase, { cause });
  }
}

/** @throws TypeError if what the connector gives is no connection: a mistake in the program */
async function opened(connector: Connector<object>, signal: AbortSignal): Promise<Connection> {
  const connection: unknown = await connector(signal);
  const { incoming$, send, close } = (connection ?? {}) as Partial<Record<keyof Connection, unknown>>;
  if (!canSubscribe(incoming$)) {
    throw new TypeError(`the connector gave no connection: incoming$ is ${show(incoming$)}, not an Observable`);
  }
  if (typeof send !== 'function' || typeof close !== 'function') {
    throw new TypeError('the connector gave no connection: send and close must be functions');
  }
  return connection as Connection;
}

function canSubscribe(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'subscribe' in value && typeof value.subscribe === 'function';
}
