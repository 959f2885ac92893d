import type { Connector } from '../transport/connection.js';
import { QmpClient } from '../client/qmp-client.js';
import { backoff } from '../client/reconnect.js';
import type { ConnectionState } from '../client/state.js';
import { StateError } from '../protocol/errors.js';
import type { Logger } from '../foundation/logger.js';
import { stringify } from '../protocol/json.js';
import type { QmpEvent } from '../protocol/message.js';
import type { HubFrame, VmInfo } from '../hub/protocol.js';
import type { ClientSocket } from '../hub/server/client-socket.js';
import type { HubLimits } from '../hub/server/options.js';
import type { Rights } from './rights.js';
import { FairQueue } from './fair-queue.js';
import { VmServer } from '../hub/server/vm-server.js';

const RETRY = backoff({ to: 2_000 });

/** One VM of the hub: the one client its monitor sees, and all those who share it. */
export class Vm {
  readonly name: string;
  readonly client: QmpClient;
  readonly #limits: HubLimits;
  readonly #frame: (text: string) => void;
  readonly #logger: Logger | undefined;
  readonly #servers = new Set<VmServer>();
  readonly #queue = new FairQueue();
  #info: VmInfo;
  #wanted = true;
  #commands = 0;

  /** @param frame is handed each frame for `/events`, as text */
  constructor(
    name: string,
    connector: Connector,
    options: { limits: HubLimits; logger: Logger | undefined; frame: (text: string) => void },
  ) {
    this.name = name;
    this.#limits = options.limits;
    this.#frame = options.frame;
    this.#logger = options.logger;
    this.#info = { name, state: 'connecting', since: new Date().toISOString() };
    this.client = new QmpClient(connector, {
      name,
      executeTimeout: Infinity,
      integers: 'exact',
      reconnect: { delay: (attempt, cause) => (this.#wanted ? RETRY.delay(attempt, cause) : null) },
      events: { queueLimit: 0, historyLimit: 0 },
      ...(options.logger && { logger: options.logger }),
    });
    this.client.state$.subscribe((state) => {
      this.#changed(state);
    });
    this.client.events$.subscribe((event) => {
      this.#broadcast(event);
    });
  }

  get info(): VmInfo {
    return this.#info;
  }

  /** Clients served now. */
  get clients(): number {
    return this.#servers.size;
  }

  /** Commands passed on, from the start. */
  get commands(): number {
    return this.#commands;
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
    if (this.client.state.phase !== 'running') void this.client.disconnect();
  }

  /** Serves one more client. @throws StateError unless it is running */
  serve(socket: ClientSocket, rights: Rights): void {
    const { greeting } = this.client;
    if (!greeting) throw new StateError(`${this.name}: not running`);
    const server = new VmServer(
      socket,
      {
        greeting,
        turn: this.#queue.join(),
        execute: ({ name, args, oob }) => {
          this.#commands += 1;
          return this.client.execute(name, args, { oob });
        },
      },
      rights,
      this.#limits,
    );
    this.#servers.add(server);
    server.start(() => this.#servers.delete(server));
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  #changed(state: ConnectionState): void {
    const { state: before, reason: known } = this.#info;
    const since = new Date().toISOString();
    if (state.phase === 'running') {
      const { major, minor, micro } = state.greeting.QMP.version.qemu;
      this.#enter({ name: this.name, state: 'running', since, qemu: `${major}.${minor}.${micro}` });
      return;
    }
    const reason = 'cause' in state ? state.cause.message : `${this.name}: the session has ended`;
    if (before === 'running' || (before === 'connecting' && state.phase === 'closed')) {
      this.#enter({ name: this.name, state: 'gone', since, reason });
      for (const server of this.#servers) server.sessionEnded(reason);
    } else if (before === 'connecting' && 'cause' in state && reason !== known) {
      this.#enter({ ...this.#info, reason });
    }
  }

  #enter(info: VmInfo): void {
    this.#info = info;
    if (info.reason !== undefined) this.#logger?.debug(`${this.name}: ${info.state}: ${info.reason}`);
    this.#frame(`${JSON.stringify({ vm: this.name, state: info } satisfies HubFrame)}\n`);
  }

  #broadcast(event: QmpEvent): void {
    let text: string;
    try {
      text = stringify(event, event.event);
    } catch (error) {
      this.#logger?.warn(`${this.name}: an event was dropped: ${(error as Error).message}`);
      return;
    }
    const bytes = Buffer.from(`${text}\r\n`);
    for (const server of this.#servers) server.event(bytes);
    this.#frame(`{"vm":${JSON.stringify(this.name)},"event":${text}}\n`);
  }
}
