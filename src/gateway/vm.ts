import type { Connector } from '../transport/connection.js';
import { executeAsText, QmpClient } from '../client/qmp-client.js';
import { backoff } from '../client/reconnect.js';
import type { ConnectionState } from '../client/state.js';
import { StateError } from '../protocol/errors.js';
import type { Logger } from '../foundation/logger.js';
import { isEvent, type Greeting, type QmpEvent } from '../protocol/message.js';
import { FairQueue } from './fair-queue.js';
import { GuestWatch } from './guest-watch.js';
import { VmHealth } from './vm-health.js';
import type { VmInfo } from './vm-info.js';
import { VmLiveness } from './vm-liveness.js';

const RETRY = backoff({ to: 2_000 });

/** Hears of one VM. */
export interface VmSubscriber {
  /**
   * Each event.
   *
   * @param text of the event as QEMU sent it, without its line end
   * @param n counts the events of this VM, from 1
   */
  event(text: string, n: number, event: QmpEvent): void;
  /** The VM has changed; `info` is all of it. */
  changed(info: VmInfo): void;
  /** The session to QEMU has ended; what it had answered has been handed over. */
  ended(reason: string): void;
  /** The last of its callers has left. */
  idle?(): void;
}

/** A command to pass on. */
export interface VmCommand {
  readonly name: string;
  readonly args: object | undefined;
  readonly oob: boolean;
}

/** One of those who run commands on a VM. */
export interface VmCaller {
  /**
   * Runs a command in turn with the other callers; one out of band at once. Resolves with the text of its result, JSON as QEMU
   * wrote it; rejects as `QmpClient.execute` does.
   */
  execute(command: VmCommand): Promise<string>;
  /** Forgets the commands that wait for their turn: their promises reject with `StateError`. */
  leave(): void;
}

/** One VM: the one client that its monitor sees, behind all those who share it. */
export class Vm {
  readonly name: string;
  readonly client: QmpClient;
  readonly #logger: Logger | undefined;
  readonly #subscribers = new Set<VmSubscriber>();
  readonly #queue = new FairQueue();
  readonly #health: VmHealth;
  readonly #liveness: VmLiveness;
  readonly #guest: GuestWatch | undefined;
  #state: Pick<VmInfo, 'name' | 'state' | 'since' | 'qemu' | 'reason'>;
  #lastEvent: string | undefined;
  #lastEventAt = 0;
  #wanted = true;
  #callers = 0;
  #commands = 0;
  #events = 0;

  /** @param guest leads to the guest agent */
  constructor(name: string, connector: Connector, logger: Logger | undefined, guest?: Connector<object>) {
    this.name = name;
    this.#logger = logger;
    this.#state = { name, state: 'connecting', since: new Date().toISOString() };
    this.client = new QmpClient(connector, {
      name,
      executeTimeout: Infinity,
      integers: 'exact',
      reconnect: { delay: (attempt, cause) => (this.#wanted ? RETRY.delay(attempt, cause) : null) },
      events: { queueLimit: 0, historyLimit: 0 },
      ...(logger && { logger }),
    });
    const tellChange = (): void => {
      this.#tellChange();
    };
    const asking = this.#queue.join();
    this.#health = new VmHealth((command) => asking.take(() => this.client.execute(command)), tellChange);
    this.#liveness = new VmLiveness({
      pending: () => this.client.stats.pending,
      ask: () => {
        this.#health.refresh();
      },
      changed: (unresponsive) => {
        const state = unresponsive ? 'unresponsive' : 'ready';
        this.#enter({ ...this.#state, state, since: new Date().toISOString() });
      },
    });
    this.#guest = guest && new GuestWatch(name, guest, tellChange, logger);
    this.client.state$.subscribe((state) => {
      this.#changed(state);
    });
    this.client.traffic$.subscribe((traffic) => {
      if (traffic.direction === 'received') this.#liveness.heard();
      if (traffic.direction === 'received' && isEvent(traffic.message)) this.#event(traffic.message, traffic.text);
    });
  }

  get info(): VmInfo {
    return {
      ...this.#state,
      events: this.#events,
      ...this.#health.health,
      ...(this.#guest?.addresses && { addresses: this.#guest.addresses }),
      ...(this.#lastEvent !== undefined && {
        lastEvent: { event: this.#lastEvent, time: new Date(this.#lastEventAt).toISOString() },
      }),
    };
  }

  /** What QEMU said first, while there is a session. */
  get greeting(): Greeting | undefined {
    return this.client.greeting;
  }

  /** Itself: it is connected, or connects, as long as it is there. */
  get session(): this {
    return this;
  }

  /** Those who have joined. */
  get callers(): number {
    return this.#callers;
  }

  /** Commands passed on, from the start. */
  get commands(): number {
    return this.#commands;
  }

  /** Commands without an answer now. */
  get pending(): number {
    return this.client.stats.pending;
  }

  /** Milliseconds since QEMU last said something; 0 without a session. */
  get silence(): number {
    return this.#liveness.silence;
  }

  /** Events received, from the start. */
  get events(): number {
    return this.#events;
  }

  /** Connects, and keeps connected. */
  start(): void {
    this.#wanted = true;
    this.client.connect().catch((error: unknown) => {
      this.#logger?.debug(`${this.name}: ${String(error)}`);
    });
  }

  /** Lets the running session end by itself, and does not look for another. */
  stop(): void {
    this.#wanted = false;
    if (!this.greeting) void this.client.disconnect();
  }

  /** Resolves with itself while there is a session. Rejects with `StateError`, which says why there is none. */
  reach(): Promise<this> {
    if (this.greeting) return Promise.resolve(this);
    const { state, reason = 'not reached yet' } = this.#state;
    return Promise.reject(new StateError(`the VM is ${state}: ${reason}`));
  }

  /** @returns what ends it */
  subscribe(subscriber: VmSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** One more who runs commands. The slots of the monitor are shared by all who have joined. */
  join(): VmCaller {
    const turn = this.#queue.join();
    this.#callers += 1;
    let ended = false;
    const run = async (command: VmCommand): Promise<string> => {
      this.#commands += 1;
      const result = await executeAsText(this.client, command);
      this.#liveness.heard();
      return result;
    };
    return {
      execute: (command) => {
        if (ended) return Promise.reject(new StateError(`${this.name}: ${command.name}: the caller has left`));
        return command.oob ? run(command) : turn.take(() => run(command));
      },
      leave: () => {
        if (ended) return;
        ended = true;
        this.#callers -= 1;
        turn.leave(new StateError(`${this.name}: the caller has left before its turn`));
        if (this.#callers > 0) return;
        for (const subscriber of this.#subscribers) subscriber.idle?.();
      },
    };
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  #changed(state: ConnectionState): void {
    const { state: before, reason: known } = this.#state;
    const since = new Date().toISOString();
    if ('greeting' in state) {
      const { major, minor, micro } = state.greeting.QMP.version.qemu;
      this.#enter({ name: this.name, state: 'ready', since, qemu: `${major}.${minor}.${micro}` });
      this.#health.begin();
      this.#liveness.begin();
      this.#guest?.begin();
      return;
    }
    const reason = 'cause' in state ? state.cause.message : `${this.name}: the session has ended`;
    if (before === 'ready' || before === 'unresponsive' || (before === 'connecting' && state.phase === 'closed')) {
      this.#health.end();
      this.#liveness.end();
      this.#guest?.end();
      this.#enter({ name: this.name, state: 'gone', since, reason });
      for (const subscriber of this.#subscribers) subscriber.ended(reason);
    } else if (before === 'connecting' && 'cause' in state && reason !== known) {
      this.#enter({ ...this.#state, reason });
    }
  }

  #enter(state: Pick<VmInfo, 'name' | 'state' | 'since' | 'qemu' | 'reason'>): void {
    this.#state = state;
    this.#logger?.info?.(`${this.name}: ${state.state}${state.reason === undefined ? '' : `: ${state.reason}`}`);
    this.#tellChange();
  }

  #tellChange(): void {
    const { info } = this;
    for (const subscriber of this.#subscribers) subscriber.changed(info);
  }

  #event(event: QmpEvent, text: string): void {
    this.#events += 1;
    this.#lastEvent = event.event;
    this.#lastEventAt = Date.now();
    this.#health.heard(event);
    this.#guest?.heard(event);
    for (const subscriber of this.#subscribers) subscriber.event(text, this.#events, event);
  }
}
