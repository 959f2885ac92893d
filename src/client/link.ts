import { DeliveryQueue } from '../foundation/delivery-queue.js';
import { checkTimeout } from '../foundation/checks.js';
import { ConnectError, DisconnectedError, StateError, type QmpError } from '../protocol/errors.js';
import type { Diagnostic } from '../bus/diagnostic.js';
import type { Greeting } from '../protocol/message.js';
import { ConnectCallers } from './connect-callers.js';
import type { Connection, Connector } from '../transport/connection.js';
import { Dial } from './dial.js';
import { Gaps } from './gaps.js';
import { wasSteady, type ReconnectPolicy } from './reconnect.js';
import { Session, type SessionHost, type SessionOptions } from './session.js';
import type { ConnectionState, Gap, Shutdown } from './state.js';

/** More waiting calls of `connect()` than this are a leak in the program that makes them. */
const CALLER_LIMIT = 10_000;

export interface LinkOptions extends SessionOptions {
  readonly connectTimeout: number;
  readonly policy: ReconnectPolicy | undefined;
}

/** Receives what a {@link Link} reports. */
export interface LinkHost extends Omit<SessionHost, 'ready' | 'diagnostic'> {
  diagnostic(diagnostic: Diagnostic): void;
  changed(state: ConnectionState): void;
  gap(gap: Gap): void;
  /** `connect()` was called while nothing went on. */
  begun(): void;
  /** There was a session, and no other will follow by itself. */
  ended(loss: QmpError | undefined): void;
  /** Nothing will ever follow. */
  closed(): void;
}

/**
 * Keeps a client connected. Its states, and what leads from one to the next ("closed" where no policy says otherwise):
 *
 * | in              | when                                                  | then                                     |
 * |-----------------|-------------------------------------------------------|------------------------------------------|
 * | idle, closed    | `connect()`                                           | connecting                               |
 * | connecting      | the connection is open; it failed, or took too long   | negotiating; reconnecting, or closed     |
 * | negotiating     | `qmp_capabilities` is answered                        | ready                                    |
 * | negotiating     | it took too long: not greeted, and the place is kept  | reconnecting, on the same connection     |
 * | negotiating, ready | the session ended                                     | reconnecting, or closed                  |
 * | reconnecting    | the delay is over                                     | connecting; negotiating in a kept place  |
 * | any             | `stop()`                                              | closed                                   |
 */
export class Link {
  readonly #connector: Connector<object>;
  readonly #options: LinkOptions;
  readonly #host: LinkHost;
  readonly #callers = new ConnectCallers<Greeting>();
  readonly #gaps: Gaps;
  #state: ConnectionState = { phase: 'idle' };
  #dial: Dial | undefined;
  /** Counts since `connect()`, or since the last session that lasted. */
  #attempt = 1;
  #session: Session | undefined;
  #sessions = 0;
  #bytesOfEnded = 0;
  /** Whether there was a session since `connect()`. */
  #hasRun = false;
  /** The next attempt, or the end of the time for this one. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  // A subscriber that is told of one change may cause the next, which must not reach the others first.
  readonly #notices = new DeliveryQueue<() => void>((notice) => {
    notice();
  });

  constructor(connector: Connector<object>, options: LinkOptions, host: LinkHost) {
    this.#connector = connector;
    this.#options = options;
    this.#host = host;
    this.#gaps = new Gaps((gap) => {
      this.#notices.push(() => {
        host.gap(gap);
      });
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The session that is ready, or one whose handshake goes on. */
  get session(): Session | undefined {
    return this.#session;
  }

  get sessions(): number {
    return this.#sessions;
  }

  /** Received so far. */
  get bytes(): number {
    return this.#bytesOfEnded + (this.#session?.bytes ?? 0);
  }

  connect(signal: AbortSignal | undefined): Promise<Greeting> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#state.phase === 'ready') return Promise.resolve(this.#state.greeting);
    if (this.#callers.size >= CALLER_LIMIT) {
      const many = `${CALLER_LIMIT} calls of connect() are waiting already; is one made in a loop without await?`;
      const cause = new StateError(`${this.#options.name}: ${many}`, { phase: this.#state.phase });
      return Promise.reject(this.#refusal(cause));
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
    const cause = new StateError(`${this.#options.name}: disconnected by the program`, { phase: 'closed' });
    if (this.#state.phase === 'ready') this.#gaps.begin();
    this.#settle({ phase: 'closed' }, () => {
      this.#callers.reject(dial?.error(cause) ?? this.#refusal(cause));
      dial?.abort(cause);
      session?.end();
    });
  }

  /** Stops, and ends all that the host shows. */
  close(): void {
    this.stop();
    this.#notices.push(() => {
      this.#host.closed();
    });
  }

  #refusal(cause: StateError): ConnectError {
    return new ConnectError(`cannot connect: ${cause.message}`, 'connecting', { cause });
  }

  #begin(attempt: number): void {
    this.#attempt = attempt;
    if (this.#session) {
      // The connection has kept its place in the monitor's queue.
      this.#startClock();
      this.#enter({ phase: 'negotiating', attempt });
      return;
    }
    const dial = new Dial(this.#options.name);
    this.#dial = dial;
    if (!this.#connector.waitsForPeer) this.#startClock();
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
      event: (event, text) => {
        if (this.#gaps.open) this.#gaps.end(this.#sessions + 1);
        this.#host.event(event, text);
      },
      ready: (greeting) => {
        this.#opened(greeting);
      },
      sessionEnded: (loss, shutdown) => {
        this.#bytesOfEnded += session.bytes;
        this.#host.sessionEnded(loss, shutdown);
        if (this.#session !== session) return;
        this.#session = undefined;
        if (this.#state.phase === 'ready') this.#lost(this.#state.since, loss, shutdown);
        // While reconnecting, it was only keeping its place: the next attempt dials.
        else if (this.#state.phase !== 'reconnecting') {
          this.#failed(dial, dial.error(loss ?? new DisconnectedError('QEMU has quit')));
        }
      },
    });
    this.#session = session;
    if (this.#connector.waitsForPeer) this.#startClock();
    this.#enter({ phase: 'negotiating', attempt: this.#attempt });
    // A subscriber of the state may have disconnected.
    if (this.#session === session) session.start();
  }

  /** One clock for the attempt, from dialling to the end of the handshake. */
  #startClock(): void {
    const { connectTimeout } = this.#options;
    if (connectTimeout === Infinity) return;
    this.#timer = setTimeout(() => {
      if (this.#session) this.#tooLate(this.#session);
      else this.#dial?.expire(connectTimeout, this.#connector.silence);
    }, connectTimeout);
  }

  /**
   * The handshake has taken too long. A busy monitor has room for two in its listen queue, and who leaves stays in it until the
   * monitor is free: so the next attempt waits on, on the same connection.
   */
  #tooLate(session: Session): void {
    const dial = this.#dial as Dial;
    const cause = session.overdue(this.#options.connectTimeout);
    if (this.#connector.keepsPlace && !session.greeted) this.#failed(dial, dial.error(cause));
    if (this.#session !== session || this.#state.phase !== 'reconnecting') session.end(cause);
  }

  #opened(greeting: Greeting): void {
    this.#sessions += 1;
    this.#hasRun = true;
    clearTimeout(this.#timer);
    this.#callers.resolve(greeting);
    this.#gaps.end(this.#sessions);
    this.#enter({ phase: 'ready', session: this.#sessions, greeting, since: new Date() });
  }

  /** The session that was ready has ended, not by our will. */
  #lost(since: Date, loss: QmpError | undefined, shutdown: Shutdown | undefined): void {
    this.#gaps.begin(loss);
    const cause = loss ?? new DisconnectedError(`${this.#options.name}: QEMU has quit`);
    if (this.#tryAgain(wasSteady(this.#options.policy, since) ? 1 : this.#attempt + 1, cause, shutdown)) return;
    this.#settle({ phase: 'closed', ...(loss && { cause: loss }), ...(shutdown && { shutdown }) });
  }

  /** An attempt came to nothing. */
  #failed(dial: Dial, error: ConnectError): void {
    if (this.#dial !== dial) return;
    clearTimeout(this.#timer);
    if (this.#tryAgain(this.#attempt + 1, error)) return;
    this.#settle({ phase: 'closed', cause: error }, () => {
      this.#callers.reject(error);
    });
  }

  /** True unless the policy gives up. */
  #tryAgain(attempt: number, cause: QmpError, shutdown?: Shutdown): boolean {
    const before = this.#state;
    const delay = this.#delay(attempt, cause);
    // The program has disconnected from inside the policy.
    if (this.#state !== before) return true;
    if (delay === null) return false;
    this.#timer = setTimeout(() => {
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
      const message = `the reconnect policy failed, so it ends here: ${String(error)}`;
      this.#host.diagnostic({ kind: 'policy-fault', message, error });
      return null;
    }
  }

  /**
   * Nothing goes on any more: there is no session and no attempt.
   *
   * @param letGo ends those that there were, before the host is told
   */
  #settle(state: Extract<ConnectionState, { phase: 'closed' }>, letGo?: () => void): void {
    const hasRun = this.#hasRun;
    this.#hasRun = false;
    this.#session = undefined;
    this.#dial = undefined;
    clearTimeout(this.#timer);
    this.#state = state;
    letGo?.();
    this.#notices.push(() => {
      if (hasRun) this.#host.ended(state.cause);
      this.#host.changed(state);
    });
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#notices.push(() => {
      this.#host.changed(state);
    });
  }
}
