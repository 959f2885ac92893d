import { History } from '../foundation/history.js';
import { checkLimit } from '../foundation/checks.js';
import type { Connection, Connector } from '../transport/connection.js';
import type { KnownCommand } from '../client/execute-types.js';
import type { CommandName, EventName, Greeting, QmpEvent } from '../protocol/message.js';
import type { KnownName, OpenName } from '../protocol/event-names.js';
import { checkArguments } from './check-arguments.js';
import { genericError } from '../protocol/command-error.js';
import { defaultReplies, type RunState } from './default-replies.js';
import { timestampOf, withTime, type EventData } from './event.js';
import { FakeConnection } from './fake-connection.js';
import type { JobHost } from './fake-job.js';
import { FakeDevices } from './fake-devices.js';
import { FakeJobs } from './fake-jobs.js';
import { FakeMigration } from './fake-migration.js';
import { Monitor } from './monitor.js';
import type { Command } from '../protocol/command.js';
import type { Reply, ReplyHooks } from './reply.js';
import { allowsOob, defaultSchema, indexOf, type Schema, type SchemaIndex } from './schema.js';

/** The initial state of a fake QEMU, and what it says about itself. */
export interface FakeQemuOptions {
  /** The initial run state; `prelaunch` as with `-S`. @default 'running' */
  readonly status?: RunState;
  /**
   * Gives the milliseconds for the timestamps: a scheduler, or `Date`.
   * @default begins at 1_700_000_000_000 and ticks once per event, so that each run gives the same
   */
  readonly clock?: { now(): number };
  /** What a QEMU answered to `query-qmp-schema`: with it all commands and all arguments are checked. @default a small one */
  readonly schema?: Schema;
  /** Its greeting. @default that of a QEMU 7.2.22 which offers `oob` */
  readonly greeting?: Greeting['QMP'];
  /** How many bytes arrive at a time, to test that they are joined. @default Infinity */
  readonly chunkSize?: number;
}

const GREETING: Greeting['QMP'] = {
  version: { qemu: { micro: 22, minor: 2, major: 7 }, package: 'FakeQemu' },
  capabilities: ['oob'],
};

/** The status after an event, whoever emitted it. */
const STATUS_AFTER: Readonly<Record<string, RunState>> = {
  STOP: 'paused',
  RESUME: 'running',
  SUSPEND: 'suspended',
  WAKEUP: 'running',
  GUEST_PANICKED: 'guest-panicked',
  SHUTDOWN: 'shutdown',
};

const RECEIVED_LIMIT = 10_000;

type AnyReply = (args: object, hooks: ReplyHooks) => unknown;

/**
 * A QMP server in memory. It answers the usual commands as QEMU 7.2 does, the rest as you script it, and does all of it
 * synchronously: what a client sends is answered before `send` returns.
 *
 * ```ts
 * const fake = new FakeQemu().on('query-name', { name: 'vm1' });
 * const client = new QmpClient(fake.connector);
 * await client.connect();
 * client.observe('STOP').subscribe(() => console.log('stopped'));
 * fake.emit('STOP'); // prints: stopped
 * ```
 *
 * As a real one it serves one client at a time: the next is greeted when the one before has left.
 */
export class FakeQemu {
  /** Connects a client to it. */
  readonly connector: Connector;
  readonly #options: FakeQemuOptions;
  readonly #clock: { now(): number };
  readonly #scripted = new Map<string, AnyReply>();
  readonly #defaults: ReadonlyMap<string, AnyReply>;
  readonly #greeting: Greeting;
  readonly #schema: SchemaIndex;
  readonly #received = new History<Command>(RECEIVED_LIMIT);
  readonly #connections: FakeConnection[] = [];
  #monitor: Monitor | undefined;
  #jobs!: FakeJobs;
  #migration!: FakeMigration;
  #devices!: FakeDevices;
  #status!: RunState;
  #silent = false;
  #ended = false;

  constructor(options: FakeQemuOptions = {}) {
    if (options.chunkSize !== undefined) checkLimit('chunkSize', options.chunkSize, 1);
    this.#options = options;
    let time = 1_700_000_000_000;
    this.#clock = options.clock ?? { now: () => time++ };
    this.#schema = indexOf(options.schema ?? defaultSchema);
    this.#greeting = { QMP: options.greeting ?? GREETING };
    this.connector = Object.assign((signal: AbortSignal) => this.#connect(signal), { address: 'fake-qemu' });
    this.#defaults = this.#defaultReplies();
    this.#boot();
  }

  /** The latest 10_000 commands that came, oldest first, `qmp_capabilities` included. */
  get received(): readonly Command[] {
    return this.#received.snapshot;
  }

  /** The run state, as `query-status` tells it. Emitting STOP, RESUME, SHUTDOWN and the like changes it. */
  get status(): RunState {
    return this.#status;
  }

  /** The background jobs. */
  get jobs(): FakeJobs {
    return this.#jobs;
  }

  /** The migration that `migrate` begins. */
  get migration(): FakeMigration {
    return this.#migration;
  }

  /** The devices that can be unplugged. */
  get devices(): FakeDevices {
    return this.#devices;
  }

  /**
   * Scripts how a command is answered from now on; it stays so across {@link restart}.
   *
   * ```ts
   * fake.on('query-name', { name: 'vm1' });
   * fake.on('device_del', ({ id }) => {
   *   if (id !== 'net0') throw new CommandError('DeviceNotFound', `Device '${id}' not found`);
   *   fake.emit('DEVICE_DELETED', { device: id, path: `/machine/peripheral/${id}` });
   * });
   * fake.on('query-block', timer(500).pipe(map(() => []))); // answers late
   * fake.on('query-block', NEVER); // hangs, and with it, as in QEMU, every in-band command after it
   * ```
   */
  on<const C extends CommandName | OpenName>(command: KnownCommand<C>, reply: Reply<C>): this {
    this.#scripted.set(command, asFunction(reply));
    return this;
  }

  /** Emits an event to the client being served, if there is one: QEMU keeps none for later. Returns the event. */
  emit<const N extends EventName | OpenName>(name: KnownName<N>, ...[data]: EventData<N>): QmpEvent<NoInfer<N>> {
    return this.#emit(name, data) as QmpEvent<N>;
  }

  /** Sends the client being served any text or bytes in place of a message. */
  send(raw: string | Uint8Array): void {
    this.#connections[0]?.write(raw);
  }

  /** Kills the QEMU: its connections break, new ones are refused. */
  kill(cause: unknown = new Error('read ECONNRESET')): void {
    this.#end((connection) => {
      connection.fail(cause);
    });
  }

  /** Starts a fresh QEMU in place of the old one, which is killed if it still runs. What was scripted stays. */
  restart(): void {
    this.kill();
    this.#boot();
  }

  /** Stops answering: connections are accepted and nothing is sent, as by a stopped process, until {@link restart}. */
  silence(): void {
    this.#silent = true;
    this.#monitor?.stop();
    this.#monitor = undefined;
  }

  #emit(name: string, data: unknown): QmpEvent {
    const event = withTime(name, data, timestampOf(this.#clock.now()));
    this.#status = STATUS_AFTER[name] ?? this.#status;
    this.#monitor?.emit(event);
    return event;
  }

  #boot(): void {
    this.#status = this.#options.status ?? 'running';
    const emit: JobHost['emit'] = (name, ...[data]) => this.#emit(name, data);
    this.#jobs = new FakeJobs(emit);
    this.#migration = new FakeMigration(emit, () => (this.#status = 'postmigrate'));
    this.#devices = new FakeDevices(emit);
    this.#ended = false;
    this.#silent = false;
  }

  #end(close: (connection: FakeConnection) => void): void {
    this.#ended = true;
    this.#monitor?.stop();
    this.#monitor = undefined;
    for (const connection of this.#connections.splice(0)) close(connection);
  }

  #connect(signal: AbortSignal): Promise<Connection> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#ended) return Promise.reject(new Error('connect ECONNREFUSED: this FakeQemu is dead'));
    const connection = new FakeConnection(this.#options.chunkSize ?? Infinity, () => {
      this.#leave(connection);
    });
    this.#connections.push(connection);
    if (this.#connections[0] === connection) this.#serve(connection);
    return Promise.resolve(connection);
  }

  #leave(connection: FakeConnection): void {
    const place = this.#connections.indexOf(connection);
    this.#connections.splice(place, 1);
    if (place > 0) return;
    this.#monitor?.stop();
    this.#monitor = undefined;
    const next = this.#connections[0];
    if (next) this.#serve(next);
  }

  #serve(connection: FakeConnection): void {
    if (this.#silent) return;
    this.#monitor = new Monitor(connection, {
      greeting: this.#greeting,
      received: (command) => {
        this.#received.push(command);
      },
      has: (command) => this.#isListed(command) || this.#replyTo(command) !== undefined,
      allowsOob: (command) => allowsOob(command, this.#schema),
      checkArguments: (command, args) => {
        checkArguments(command, args, this.#schema);
      },
      run: (command, args, hooks) => this.#run(command, args, hooks),
    });
    this.#monitor.start();
  }

  #defaultReplies(): ReadonlyMap<string, AnyReply> {
    const replies = defaultReplies({
      greeting: this.#greeting,
      schema: this.#options.schema ?? defaultSchema,
      commandNames: () => this.#commandNames(),
      jobs: () => this.#jobs,
      status: () => this.#status,
      emit: (name, ...[data]) => this.#emit(name, data),
      exit: () => {
        this.#end((connection) => {
          connection.end();
        });
      },
    });
    return new Map(Object.entries(replies).map(([name, reply]) => [name, asFunction(reply)]));
  }

  #commandNames(): readonly string[] {
    const listed = [...this.#schema.values()].filter((entry) => entry['meta-type'] === 'command');
    return [...new Set([...listed.map((entry) => entry.name), ...this.#scripted.keys()])];
  }

  #replyTo(command: string): AnyReply | undefined {
    const own = { ...this.#migration.replies, ...this.#devices.replies } as Readonly<Record<string, unknown>>;
    const reply = this.#scripted.get(command) ?? this.#defaults.get(command);
    return reply ?? (Object.hasOwn(own, command) ? asFunction(own[command]) : undefined);
  }

  #isListed(command: string): boolean {
    return this.#schema.get(command)?.['meta-type'] === 'command';
  }

  #run(command: string, args: object, hooks: ReplyHooks): unknown {
    const reply = this.#replyTo(command);
    if (!reply) throw genericError(`this FakeQemu has no answer to ${command}; script it: fake.on('${command}', …)`);
    return reply(args, hooks);
  }
}

function asFunction(reply: unknown): AnyReply {
  return typeof reply === 'function' ? (reply as AnyReply) : () => reply;
}
