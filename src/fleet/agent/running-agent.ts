/// <reference lib="esnext.disposable" preserve="true" />
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { disposeBy } from '../../foundation/disposal.js';
import type { Logger } from '../../foundation/logger.js';
import type { Vm } from '../../gateway/vm.js';
import { Vms } from '../../gateway/vms.js';
import { SocketFolder } from '../../gateway/socket-folder.js';
import type { VmInfo } from '../../gateway/vm-info.js';
import { DisconnectedError, StateError, type QmpError } from '../../protocol/errors.js';
import { connectorsOf, type VmAddress } from '../../gateway/vm-address.js';
import { NatsStatus } from '../nats-status.js';
import { warnOfRefusals } from '../missing-rights.js';
import { ID_HEADER } from '../numbers.js';
import { beatSubject } from '../subjects.js';
import { Beater } from './beater.js';
import { Fence, type FenceHost } from './fence.js';
import type { Lease } from './lease.js';
import { Log } from './log.js';
import { agentMetrics } from './metrics.js';
import { limitsOf, type AgentOptions } from './options.js';
import { PresenceBoard } from './presence-board.js';
import { Responder } from './responder.js';
import type { Stores } from './stores.js';
import { VmFeed } from './vm-feed.js';

/** How long an end may take that writes what is not written yet. */
const LAST_WORDS = 10_000;

/** The parts of an agent, and when each may speak. */
export class RunningAgent implements AsyncDisposable {
  readonly host: string;
  readonly ended: Promise<QmpError | undefined>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #nats: NatsConnection;
  readonly #status: NatsStatus;
  readonly #logger: Logger | undefined;
  readonly #lease: Lease;
  readonly #vms: Vms;
  readonly #feeds = new Map<string, VmFeed>();
  readonly #moved = new Set<VmFeed>();
  readonly #log: Log;
  readonly #board: PresenceBoard;
  readonly #beater: Beater;
  readonly #responder: Responder;
  readonly #fence: Fence;
  #folder: SocketFolder | undefined;
  #closed: Promise<void> | undefined;
  #end: (why: QmpError | undefined) => void = () => undefined;

  constructor(options: AgentOptions, stores: Stores, lease: Lease) {
    const { nats, host, logger, allow = [], beat: every = 5_000 } = options;
    const limits = limitsOf(options);
    this.host = host;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#nats = nats;
    this.#logger = logger;
    this.#lease = lease;
    this.#status = new NatsStatus(nats);
    this.#log = new Log(nats, limits, logger);
    this.#board = new PresenceBoard(stores.vms, host, () => stores.make(), logger);
    this.#fence = new Fence(this.#status, lease, every, this.#fenceHost());
    this.#beater = new Beater(this.#beaterHost(), every);
    this.#beater.claim();
    this.#responder = new Responder(nats, this.#responderHost(), { host, allow, limits, logger });
    this.#vms = new Vms(logger);
    this.#vms.subscribe({
      added: (vm) => {
        this.#follow(vm);
      },
      removed: (vm) => {
        this.#feeds.get(vm.name)?.end();
        this.#feeds.delete(vm.name);
        this.#board.delete(vm.name);
      },
    });
    this.#board.put(undefined, { epoch: lease.epoch });
    warnOfRefusals(this.#status, logger, host);
    this.#status.watch({
      closed: (cause) => {
        const message = `${host}: the connection to NATS is closed${cause ? `: ${cause.message}` : ''}`;
        void this.#finish(new DisconnectedError(message, { cause }));
      },
    });
    this.#beater.beat();
  }

  get vms(): readonly VmInfo[] {
    return this.#vms.list;
  }

  metrics(): string {
    return agentMetrics({
      ...{ host: this.host, vms: this.#vms.list, speaking: this.#fence.speaking, epoch: this.#lease.epoch },
      ...{ log: this.#log.stats, presence: this.#board.written },
      ...{ commands: this.#responder.outcomes, unanswered: this.#responder.unanswered },
      events: this.#vms.all.reduce((sum, { events }) => sum + events, 0),
    });
  }

  add(name: string, where: VmAddress): void {
    if (this.#closed) throw new StateError(`${this.host}: the agent is closed`);
    const { monitor, guest } = connectorsOf(where);
    this.#vms.add(name, monitor, guest);
  }

  async remove(name: string): Promise<void> {
    await this.#vms.remove(name);
  }

  async watch(dir: string): Promise<void> {
    this.#folder = new SocketFolder(dir, this.#vms, this.#logger);
    await this.#folder.start();
  }

  close(): Promise<void> {
    return this.#finish(undefined);
  }

  #follow(vm: Vm): void {
    const feed = new VmFeed(vm, this.host, {
      epoch: () => this.#lease.epoch,
      live: (subject, id, text) => {
        this.#publish(subject, text, id);
      },
      log: (queue, item) => {
        this.#log.add(queue, item);
      },
      changed: (info) => {
        this.#tell(info);
      },
      moved: (moved) => {
        this.#moved.add(moved);
      },
    });
    this.#feeds.set(vm.name, feed);
    this.#tell(vm.info);
  }

  /** Not what each event changes: it would be a write for each. */
  #tell({ name, events: _events, lastEvent: _lastEvent, ...info }: VmInfo): void {
    const uuid = this.#feeds.get(name)?.uuid;
    this.#board.put(name, { ...info, ...(uuid !== undefined && { uuid }), epoch: this.#lease.epoch });
  }

  /** False if it is not sent: the agent must be silent, or the server would not take it. */
  #publish(subject: string, text: string, id?: string): boolean {
    if (!this.#fence.speaking) return false;
    try {
      const header = id === undefined ? undefined : headers();
      if (id !== undefined) header?.set(ID_HEADER, id);
      this.#nats.publish(subject, text, header && { headers: header });
      return true;
    } catch (error) {
      this.#logger?.warn(`${subject}: not published: ${(error as Error).message}`);
      return false;
    }
  }

  #fenceHost(): FenceHost {
    const { host } = this;
    return {
      silenced: (why) => {
        this.#logger?.warn(`${host}: ${why}: it is silent, and what happens waits for the log`);
        this.#log.pause();
        this.#board.pause();
      },
      claimed: () => {
        this.#beater.claim();
        for (const feed of this.#feeds.values()) feed.restart();
        this.#board.put(undefined, { epoch: this.#lease.epoch });
        for (const info of this.#vms.list) this.#tell(info);
      },
      speaks: () => {
        this.#logger?.info?.(`${host}: it speaks again`);
        this.#log.resume();
        this.#board.resume();
        this.#beater.beat();
      },
      lost: () => {
        void this.#finish(new StateError(`${host}: another agent has taken it over; this one has ended`));
      },
    };
  }

  #finish(why: QmpError | undefined): Promise<void> {
    this.#closed ??= this.#stop(why);
    return this.#closed;
  }

  async #stop(why: QmpError | undefined): Promise<void> {
    // Another agent serves the host, or nothing can be sent: what was heard before is still worth storing.
    if (why) this.#fence.close();
    if (why) this.#logger?.warn(why.message);
    await this.#folder?.close();
    for (const feed of this.#feeds.values()) feed.end();
    await this.#vms.close();
    this.#beater.end();
    // From its last beat on it answers nobody, or who has just come would take it for alive.
    this.#responder.end();
    if (!why) this.#beater.beat('last');
    this.#fence.close();
    if (!why) this.#board.stop();
    if (!this.#status.closed) {
      if (why) this.#log.resume();
      const patience = AbortSignal.timeout(LAST_WORDS);
      await Promise.all([this.#log.drained(patience), why ? undefined : this.#board.settled(patience)]);
      if (!why) await this.#lease.release();
    }
    this.#board.end();
    this.#log.end();
    this.#status.end();
    this.#end(why);
  }

  #beaterHost(): ConstructorParameters<typeof Beater>[0] {
    const { host } = this;
    const subject = beatSubject(host);
    return {
      epoch: () => this.#lease.epoch,
      lost: () => this.#fence.lost,
      maxBytes: () => (this.#nats.info?.max_payload ?? 1024 * 1024) - 1024,
      publish: (text) => this.#publish(subject, text),
      moved: () => this.#moved,
      told: (feed) => {
        this.#moved.delete(feed);
      },
      tick: () => void this.#fence.renew(),
    };
  }

  #responderHost(): ConstructorParameters<typeof Responder>[1] {
    return {
      epoch: () => this.#lease.epoch,
      lost: () => this.#fence.lost,
      speaking: () => this.#fence.speaking,
      beater: this.#beater,
      feed: (vm) => this.#feeds.get(vm),
    };
  }

  static {
    disposeBy(this, 'close', 'asyncDispose');
  }
}
