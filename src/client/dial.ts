import { show } from '../foundation/text.js';
import { whenAborted } from '../foundation/abort.js';
import { ConnectError, QmpError } from '../protocol/errors.js';
import type { Connection, Connector } from '../transport/connection.js';

/** Opens one connection, and lets go of one that comes too late. The clock is its owner's. */
export class Dial {
  readonly #name: string;
  readonly #controller = new AbortController();
  #phase: ConnectError['phase'] = 'connecting';

  constructor(name: string) {
    this.#name = name;
  }

  /** Aborts with a {@link QmpError} that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects with a `ConnectError`. The handshake is the caller's; it listens to {@link signal} then. */
  open(connector: Connector<object>): Promise<Connection> {
    const { signal } = this;
    if (signal.aborted) return Promise.reject(this.error(signal.reason));
    return new Promise((resolve, reject) => {
      const stopWatching = whenAborted(signal, (reason) => {
        reject(this.error(reason));
      });
      opened(connector, signal)
        .then((connection) => {
          stopWatching();
          if (signal.aborted) {
            connection.close();
            return;
          }
          this.#phase = 'negotiating';
          resolve(connection);
        })
        .catch((cause: unknown) => {
          stopWatching();
          reject(this.error(cause));
        });
    });
  }

  /** Gives the attempt up. */
  abort(cause: QmpError): void {
    this.#controller.abort(cause);
  }

  /** Gives up after `time` milliseconds. @param silence what it may mean that nobody answered, see {@link Connector} */
  expire(time: number, silence: string | undefined): void {
    const meaning = silence === undefined ? '' : `: ${silence}`;
    this.abort(new QmpError(`${this.#name}: no connection within ${time} ms${meaning}`));
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
