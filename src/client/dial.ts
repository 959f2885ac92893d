import { whenAborted } from '../foundation/abort.js';
import { show } from '../foundation/checks.js';
import { ConnectError, GreetingError, QmpError } from '../protocol/errors.js';
import type { Connection, Connector } from '../transport/connection.js';

/** One attempt to get a session ready: limits its time, and lets go of a connection that comes too late. */
export class Dial {
  readonly #name: string;
  readonly #timeout: number;
  readonly #mayWaitOn: (cause: QmpError) => boolean;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #phase: ConnectError['phase'] = 'connecting';
  #silence: string | undefined;

  /**
   * @param timeout milliseconds until it aborts itself, unless {@link finish} is called before; Infinity allowed
   * @param mayWaitOn is asked before, where there is a connection; if it may, {@link start} counts anew
   */
  constructor(name: string, timeout: number, mayWaitOn: (cause: QmpError) => boolean = () => false) {
    this.#name = name;
    this.#timeout = timeout;
    this.#mayWaitOn = mayWaitOn;
  }

  /** Aborts with a {@link QmpError} that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects with a `ConnectError`. The handshake is the caller's; it listens to {@link signal} then. */
  open(connector: Connector<object>): Promise<Connection> {
    const { signal } = this;
    if (signal.aborted) return Promise.reject(this.error(signal.reason));
    this.#silence = connector.silence;
    if (!connector.waitsForPeer) this.start();
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
          this.#phase = 'negotiating';
          if (connector.waitsForPeer) this.start();
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

  /** Stops the clock. */
  finish(): void {
    clearTimeout(this.#timer);
  }

  error(cause: unknown): ConnectError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const named = reason.startsWith(`${this.#name}: `) ? reason : `${this.#name}: ${reason}`;
    return new ConnectError(`cannot connect to ${named}`, this.#phase, { cause });
  }

  /** Starts the clock. */
  start(): void {
    if (this.#timeout === Infinity) return;
    this.#timer = setTimeout(() => {
      const waited = `within ${this.#timeout} ms`;
      if (this.#phase === 'connecting') {
        const meaning = this.#silence === undefined ? '' : `: ${this.#silence}`;
        this.abort(new QmpError(`${this.#name}: no connection ${waited}${meaning}`));
        return;
      }
      const cause = new GreetingError(
        `${this.#name}: connected, but not greeted ${waited}: a monitor serves one client at a time, so another one may hold ` +
          'it; or QEMU is stopped, or this is no QMP monitor',
      );
      if (!this.#mayWaitOn(cause)) this.abort(cause);
    }, this.#timeout);
  }
}

/** @throws TypeError if what the connector gives is no connection; it is the program's own, not the server's fault */
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
