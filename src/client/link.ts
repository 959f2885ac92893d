import { whenAborted } from '../foundation/abort.js';
import { DeliveryQueue } from '../foundation/delivery-queue.js';
import { checkTimeout } from '../foundation/checks.js';
import { ConnectError, DisconnectedError, StateError, type QmpError } from '../protocol/errors.js';
import { isEvent, type Greeting, type Message } from '../protocol/message.js';
import { ConnectCallers } from './connect-callers.js';
import type { Connection, Connector } from '../transport/connection.js';
import { Dial } from './dial.js';
import type { ReconnectPolicy } from './reconnect.js';
import { Session, type SessionHost, type SessionOptions } from './session.js';
import type { ConnectionState, Gap, Shutdown } from './state.js';

/** More waiting calls of `connect()` than this are a leak in the program that makes them. */
const CALLER_LIMIT = 10_000;

export interface LinkOptions extends SessionOptions {
  readonly connectTimeout: number;
  readonly policy: ReconnectPolicy | undefined;
}

/** Whom a link serves. */
export interface LinkHost extends Omit<SessionHost, 'ready' | 'ended'> {
  changed(state: ConnectionState): void;
  gap(gap: Gap): void;
  /** `connect()` was called while nothing went on. */
  begun(): void;
  /** There was a session, and no other will follow by itself. */
  ended(loss: QmpError | undefined): void;
  /** Nothing will ever follow. */
  closed(): void;
  /** The reconnect policy threw. */
  policyFailed(error: unknown): void;
}

/** Keeps a client connected: dials, waits for the handshake, and dials anew where the policy says so. */
export class Link {
  readonly #connector: Connector<object>;
  readonly #options: LinkOptions;
  readonly #host: LinkHost;
  readonly #callers = new ConnectCallers<Greeting>();
  #state: ConnectionState = { phase: 'idle' };
  #dial: Dial | undefined;
  #attempt = 1;
  #session: Session | undefined;
  #sessions = 0;
  /** Whether a session has run since `connect()`. */
  #hasRun = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #gap: Pick<Gap, 'since' | 'cause'> | undefined;
  // Who is told of one change may cause the next, which must not overtake it on its way to the others.
  readonly #notices = new DeliveryQueue<() => void>((notice) => {
    notice();
  });

  constructor(connector: Connector<object>, options: LinkOptions, host: LinkHost) {
    this.#connector = connector;
    this.#options = options;
    this.#host = host;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The session that is ready, or of one that is not greeted yet. */
  get session(): Session | undefined {
    return this.#session;
  }

  get sessions(): number {
    return this.#sessions;
  }

  connect(signal: AbortSignal | undefined): Promise<Greeting> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#state.phase === 'ready') return Promise.resolve(this.#state.greeting);
    if (this.#callers.size >= CALLER_LIMIT) {
      const many = `${CALLER_LIMIT} calls of connect() are waiting already; is one made in a loop without await?`;
      return Promise.reject(this.#refusal(new StateError(`${this.#options.name}: ${many}`)));
    }
    const joined = this.#callers.join(signal, () => {
      if (this.#callers.size === 0 && !this.#hasRun) this.stop();
    });
    if (this.#state.phase === 'idle' || this.#state.phase === 'closed') {
      this.#notices.push(() => {
        this.#host.begun();
      });
      this.#begin(1);
    }
    return joined;
  }

  /** Ends whatever goes on, in good order. */
  stop(): void {
    if (this.#state.phase === 'closed' && !this.#state.cause) return;
    const session = this.#session;
    const dial = this.#dial;
    const cause = new StateError(`${this.#options.name}: disconnected by the program`);
    if (this.#state.phase === 'ready') this.#gap = { since: new Date() };
    const tell = this.#rest({ phase: 'closed' });
    this.#callers.reject(dial?.error(cause) ?? this.#refusal(cause));
    dial?.abort(cause);
    try {
      session?.end();
    } finally {
      tell();
    }
  }

  /** Stops, and ends all that the host shows. */
  close(): void {
    try {
      this.stop();
    } finally {
      this.#notices.push(() => {
        this.#host.closed();
      });
    }
  }

  #refusal(cause: StateError): ConnectError {
    return new ConnectError(`cannot connect: ${cause.message}`, 'connecting', { cause });
  }

  #begin(attempt: number): void {
    this.#attempt = attempt;
    if (this.#session) {
      // It has kept its place.
      this.#dial?.start();
      this.#enter({ phase: 'negotiating', attempt });
      return;
    }
    const dial: Dial = new Dial(this.#options.name, this.#options.connectTimeout, (cause) =>
      this.#mayWaitOn(dial, cause),
    );
    this.#dial = dial;
    this.#enter({ phase: 'connecting', attempt });
    dial
      .open(this.#connector)
      .then((connection) => {
        this.#negotiate(connection, dial);
      })
      .catch((error: unknown) => {
        this.#failed(dial, error instanceof ConnectError ? error : dial.error(error));
      });
  }

  #negotiate(connection: Connection, dial: Dial): void {
    if (this.#dial !== dial) {
      connection.close();
      return;
    }
    const session: Session = new Session(connection, this.#options, {
      ...this.#host,
      received: (message, text) => {
        this.#receive(message, text);
      },
      ready: (greeting) => {
        dial.finish();
        this.#opened(greeting);
      },
      ended: (loss, shutdown) => {
        if (this.#session !== session) return;
        this.#session = undefined;
        if (this.#state.phase === 'ready') this.#ended(loss, shutdown);
        // If it had kept its place, the next attempt dials.
        else if (this.#state.phase !== 'reconnecting') {
          this.#failed(dial, dial.error(loss ?? new DisconnectedError('QEMU has quit')));
        }
      },
    });
    this.#session = session;
    this.#enter({ phase: 'negotiating', attempt: this.#attempt });
    whenAborted(dial.signal, () => {
      session.end(dial.signal.reason as QmpError);
    });
    // A subscriber of the state may have disconnected.
    if (!dial.signal.aborted) session.start();
  }

  #receive(message: Message, text: string): void {
    if (this.#gap && isEvent(message)) this.#tellGap(this.#sessions + 1);
    this.#host.received(message, text);
  }

  #opened(greeting: Greeting): void {
    this.#sessions += 1;
    this.#hasRun = true;
    clearTimeout(this.#retry);
    this.#callers.resolve(greeting);
    this.#tellGap(this.#sessions);
    this.#enter({ phase: 'ready', session: this.#sessions, greeting, since: new Date() });
  }

  /** The session that was ready is over, not by our will. */
  #ended(loss: QmpError | undefined, shutdown: Shutdown | undefined): void {
    this.#gap = { since: new Date(), ...(loss && { cause: loss }) };
    const cause = loss ?? new DisconnectedError(`${this.#options.name}: QEMU has quit`);
    if (this.#tryAgain(1, cause, shutdown)) return;
    this.#rest({ phase: 'closed', ...(loss && { cause: loss }), ...(shutdown && { shutdown }) })();
  }

  /**
   * A monitor that serves another client has room for two in its listen queue, and who leaves stays in it until the monitor is
   * free. So the attempt has failed, but the next one waits on, on the same connection.
   */
  #mayWaitOn(dial: Dial, cause: QmpError): boolean {
    if (!this.#connector.keepsPlace || this.#session?.greeted !== false) return false;
    this.#failed(dial, dial.error(cause));
    return this.#dial === dial;
  }

  /** An attempt came to nothing. */
  #failed(dial: Dial, error: ConnectError): void {
    if (this.#dial !== dial) return;
    dial.finish();
    if (this.#tryAgain(this.#attempt + 1, error)) return;
    const tell = this.#rest({ phase: 'closed', cause: error });
    this.#callers.reject(error);
    tell();
  }

  /** True unless the policy gives up. */
  #tryAgain(attempt: number, cause: QmpError, shutdown?: Shutdown): boolean {
    const before = this.#state;
    const delay = this.#delay(attempt, cause);
    // The program has disconnected from inside the policy.
    if (this.#state !== before) return true;
    if (delay === null) return false;
    this.#retry = setTimeout(() => {
      this.#begin(attempt);
    }, delay);
    const retryAt = new Date(Date.now() + delay);
    this.#enter({ phase: 'reconnecting', attempt, retryAt, cause, ...(shutdown && { shutdown }) });
    return true;
  }

  #delay(attempt: number, cause: QmpError): number | null {
    try {
      const delay = this.#options.policy?.delay(attempt, cause) ?? null;
      if (delay !== null) checkTimeout('the delay of the reconnect policy', delay);
      return delay === Infinity ? null : delay;
    } catch (error) {
      this.#host.policyFailed(error);
      return null;
    }
  }

  /** Nothing goes on any more. Returns what tells the host, for when all is done. */
  #rest(state: Extract<ConnectionState, { phase: 'closed' }>): () => void {
    const hasRun = this.#hasRun;
    this.#hasRun = false;
    this.#session = undefined;
    this.#dial = undefined;
    clearTimeout(this.#retry);
    this.#state = state;
    return () => {
      this.#notices.push(() => {
        if (hasRun) this.#host.ended(state.cause);
        this.#host.changed(state);
      });
    };
  }

  #tellGap(session: number): void {
    if (!this.#gap) return;
    const gap = this.#gap;
    this.#gap = undefined;
    this.#notices.push(() => {
      this.#host.gap({ ...gap, until: new Date(), session });
    });
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#notices.push(() => {
      this.#host.changed(state);
    });
  }
}
