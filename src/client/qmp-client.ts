/// <reference lib="esnext.disposable" preserve="true" />
import { NEVER, Observable } from 'rxjs';
import type { Diagnostic } from '../bus/diagnostic.js';
import { EventBus } from '../bus/event-bus.js';
import { HotSource } from '../foundation/hot-source.js';
import { whenAborted } from '../foundation/abort.js';
import { checkLimit, checkSignal, checkTimeout, isRecord } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import { disposeBy } from '../foundation/disposal.js';
import { ConnectError, DisconnectedError, StateError } from '../protocol/errors.js';
import type { Greeting, Message } from '../protocol/message.js';
import type { OpenName } from '../protocol/event-names.js';
import type { CommandCall, ExecuteOptions } from './commands.js';
import { ConnectionTraces, traceExecute } from './diagnostics-channels.js';
import type { Connector } from '../transport/connection.js';
import type { CommandResult, ExecuteParameters, KnownCommand } from './execute-types.js';
import { numbersOf } from './fd-numbers.js';
import { Link, type LinkHost } from './link.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import type { QmpClientOptions } from './options.js';
import { policyOf } from './reconnect.js';
import type { ConnectionState, Gap } from './state.js';
import { StateView } from './state-view.js';
import type { ClientStats } from './stats.js';
import type { Traffic } from './traffic.js';

/**
 * Runs a command and resolves with the text of its result, unparsed: what is passed on needs no parsing. Rejects as `execute` does.
 * There is no time limit. Such replies are not seen in `messages$` and `traffic$`.
 *
 * @internal
 */
export let executeAsText: (client: QmpClient, call: Pick<CommandCall, 'name' | 'args' | 'oob'>) => Promise<string>;

/**
 * An {@link EventBus} with a QEMU at the other end.
 *
 * ```ts
 * const client = new QmpClient(unixSocket('/run/vm1.qmp'));
 * await client.connect();
 * client.observe('STOP').subscribe(() => console.log('stopped'));
 * await client.execute('stop');
 * await client.close();
 * ```
 *
 * `M` is the map of the commands that the other end takes; it comes with the connector.
 */
export class QmpClient<M extends object = CommandMap> extends EventBus implements AsyncDisposable {
  /** For the types alone: a client of another map is not assignable. */
  declare readonly commandMap?: M;
  /** The present state, then each change. Completes at {@link close}. */
  readonly state$: Observable<ConnectionState>;
  /** Every incoming message, hot, before the client acts on it. Completes at {@link close}. */
  readonly messages$: Observable<Message>;
  /** Messages and commands, hot. Holds the arguments of commands, passwords included. Completes at {@link close}. */
  readonly traffic$: Observable<Traffic>;
  /** Tells of each gap before the first event after it. Completes at {@link close}. */
  readonly gaps$: Observable<Gap>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  readonly #link: Link;
  readonly #executeTimeout: number;
  readonly #messages = new HotSource<Message>();
  readonly #traffic = new HotSource<Traffic>();
  readonly #gaps = new HotSource<Gap>();
  readonly #states = new StateView({ phase: 'idle' });
  readonly #traces: ConnectionTraces;
  #closed = false;
  readonly #counts = { events: 0, replies: 0, faults: 0 };

  constructor(connector: Connector<M>, options: QmpClientOptions = {}) {
    if (typeof connector !== 'function') throw new TypeError(`connector must be a function, not ${show(connector)}`);
    const {
      connectTimeout = 10_000,
      executeTimeout = 60_000,
      maxMessageBytes = 64 * 1024 * 1024,
      integers = 'number',
      maxInFlight = Infinity,
      heartbeat = connector.heartbeat ?? Infinity,
    } = options;
    checkTimeout('connectTimeout', connectTimeout);
    checkTimeout('executeTimeout', executeTimeout);
    checkLimit('maxMessageBytes', maxMessageBytes, 1);
    checkLimit('maxInFlight', maxInFlight, 1);
    checkTimeout('heartbeat', heartbeat, 1);
    checkLimit("the connector's maxInFlight", connector.maxInFlight ?? Infinity, 1);
    if (!['number', 'exact'].includes(integers)) {
      throw new TypeError(`integers must be 'number' or 'exact', not ${show(integers)}`);
    }
    super(NEVER, { ...options, name: options.name ?? connector.address ?? 'qmp' });
    this.#executeTimeout = executeTimeout;
    this.#traces = new ConnectionTraces(this.name);
    const { reconnect = false } = options;
    const policy = policyOf(reconnect);
    this.#link = new Link(
      connector,
      {
        name: this.name,
        connectTimeout,
        maxMessageBytes,
        integers,
        heartbeat,
        maxInFlight: Math.min(maxInFlight, connector.maxInFlight ?? Infinity),
        policy,
      },
      this.#host(),
    );
    this.messages$ = this.#messages.observable;
    this.traffic$ = this.#traffic.observable;
    this.gaps$ = this.#gaps.observable;
    this.state$ = this.#states.observable;
  }

  /** The present state of the connection. */
  get state(): ConnectionState {
    return this.#link.state;
  }

  /** What QEMU said first in the present session. */
  get greeting(): Greeting | undefined {
    return this.state.phase === 'ready' ? this.state.greeting : undefined;
  }

  /** Counters since the client was made. */
  get stats(): ClientStats {
    return {
      ...this.#counts,
      ...this.queueStats,
      bytes: this.#link.bytes,
      reconnects: Math.max(0, this.#link.sessions - 1),
      listeners: this.listeners.length,
      pending: this.#link.session?.pending ?? 0,
    };
  }

  /**
   * Connects, and resolves when QEMU takes commands. While connecting or ready it joins what is there already.
   *
   * Rejects with `ConnectError`, or with the reason of a signal, which frees its own caller; the attempt ends with the last.
   * With `reconnect` it rejects only when the policy gives up.
   */
  async connect(options: { readonly signal?: AbortSignal } = {}): Promise<Greeting> {
    checkSignal('signal', options.signal);
    if (this.#closed) {
      const cause = new StateError(`${this.name}: the client is closed for good; make a new one`, { phase: 'closed' });
      throw new ConnectError(`cannot connect: ${cause.message}`, 'connecting', { cause });
    }
    return this.#link.connect(options.signal);
  }

  /** Ends the session, or the attempt; {@link connect} may follow. Unanswered commands are interrupted. */
  disconnect(): Promise<void> {
    if (!this.#closed) this.#link.stop();
    return Promise.resolve();
  }

  /** Ends the client for good: all its streams complete. */
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- never rejects
  override close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#link.close();
    return Promise.resolve();
  }

  /**
   * Runs a command and resolves with what it returns. An event that QEMU sent before the reply is in every listener's queue by
   * then; to wait for one, listen before you execute.
   *
   * Rejects with `ExecuteError` (QEMU said no), `ExecTimeoutError` and `ExecInterruptedError` (it may have run), `StateError`
   * (no session), `TypeError` (what QEMU could not read), `RangeError` (more than 64 MiB) or the signal's reason.
   */
  execute<const C extends (keyof M & string) | OpenName>(
    command: KnownCommand<C, M>,
    ...rest: ExecuteParameters<C, M>
  ): Promise<CommandResult<C, M>>;
  async execute(name: string, ...rest: unknown[]): Promise<unknown> {
    const [args, options = {}] = rest as [args?: object, options?: ExecuteOptions];
    const { timeout = this.#executeTimeout, signal, oob = false, fds } = options;
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(`command must be the name of a command, not ${show(name)}`);
    }
    if (args !== undefined && !isRecord(args)) {
      // What it is, not what it holds: it may be a password.
      throw new TypeError(`arguments must be an object, not ${Array.isArray(args) ? 'an array' : `a ${typeof args}`}`);
    }
    checkTimeout('timeout', timeout);
    checkSignal('signal', signal);
    return this.#run({ name, args, oob, ...(fds && { fds: numbersOf(fds) }) }, timeout, signal);
  }

  /** The same as a cold Observable: each subscription runs the command, unsubscribing aborts it. */
  execute$<const C extends (keyof M & string) | OpenName>(
    command: KnownCommand<C, M>,
    ...rest: ExecuteParameters<C, M>
  ): Observable<CommandResult<C, M>>;
  execute$(name: string, ...rest: unknown[]): Observable<unknown> {
    const [args, options = {}] = rest as [args?: object, options?: ExecuteOptions];
    return new Observable((subscriber) => {
      const controller = new AbortController();
      const stopWatching = whenAborted(options.signal, (reason) => {
        controller.abort(reason);
      });
      if (options.signal?.aborted) controller.abort(options.signal.reason);
      (this as QmpClient<object>).execute(name, args, { ...options, signal: controller.signal }).then(
        (result) => {
          subscriber.next(result);
          subscriber.complete();
        },
        (error: unknown) => {
          subscriber.error(error);
        },
      );
      return () => {
        stopWatching();
        controller.abort();
      };
    });
  }

  protected override report(diagnostic: Diagnostic): void {
    this.#counts.faults += 1;
    super.report(diagnostic);
  }

  #run(call: CommandCall, timeout: number, signal?: AbortSignal): Promise<unknown> {
    const { session, state } = this.#link;
    if (state.phase !== 'ready' || !session) {
      const why = `not connected (${state.phase}); await connect() first`;
      throw new StateError(`${this.name}: ${call.name}: ${why}`, { phase: state.phase });
    }
    const trace = { client: this.name, command: call.name, oob: call.oob };
    return traceExecute(trace, () => session.execute(call, timeout, signal));
  }

  #host(): LinkHost {
    return {
      event: (event, text) => {
        this.#counts.events += 1;
        this.#messages.next(event);
        if (this.#traffic.observed) this.#traffic.next({ direction: 'received', message: event, text });
        this.receive(event);
      },
      message: (message, text) => {
        if ('return' in message || 'error' in message) this.#counts.replies += 1;
        this.#messages.next(message);
        this.#traffic.next({ direction: 'received', message, text });
      },
      unparsed: () => {
        this.#counts.replies += 1;
      },
      sent: (message, heartbeat) => {
        this.#traffic.next({ direction: 'sent', message, ...(heartbeat && { heartbeat }) });
      },
      sessionEnded: () => {
        this.flushReports();
      },
      diagnostic: (diagnostic) => {
        this.report(diagnostic);
      },
      changed: (state) => {
        this.debug(() => state.phase);
        this.#traces.changed(state);
        this.#states.next(state);
      },
      gap: (gap) => {
        this.#gaps.next(gap);
      },
      begun: () => {
        this.reviveListeners();
      },
      ended: (cause) => {
        const error = cause ? this.lossOf(cause) : new DisconnectedError(`${this.name}: the session has ended`);
        this.endListeners({ how: cause ? 'lost' : 'closed', error });
      },
      closed: () => {
        super.close();
        for (const view of [this.#messages, this.#traffic, this.#gaps, this.#states]) view.end();
      },
    };
  }

  static {
    disposeBy(this, 'close', 'asyncDispose');
    executeAsText = async (client, call) => (await client.#run({ ...call, asText: true }, Infinity)) as string;
  }
}
