import { Subject } from 'rxjs';
import { Broker } from './broker.js';
import { FakeHost, type FakeHostOptions } from './fake-host.js';
import { FakeJetStream } from './fake-jetstream.js';
import { FakeNatsConnection, type FakeNatsStatus } from './fake-nats-connection.js';

/** How the agents of a fake NATS behave. */
export interface FakeNatsOptions {
  /** Milliseconds between the beats of a host. @default 5_000 */
  readonly beat?: number;
}

const URL = 'nats://fake-nats:4222';
/** Of the first host; a later one that takes its name has a higher one. */
const FIRST_EPOCH = 1_700_000_000_000;

/**
 * A NATS server in memory, with hosts whose agents it plays: what a `FleetClient` is tested against. It delivers at once: an
 * event has reached the readers when `emit()` returns.
 *
 * ```ts
 * const nats = new FakeNats();
 * const fleet = new FleetClient(nats.connect());
 * const qemu = new FakeQemu();
 * await nats.host('h1', { allow: ['stop'] }).add('vm1', qemu);
 * fleet.events$().subscribe(({ vm, event }) => console.log(vm, event.event));
 * qemu.emit('STOP'); // prints: h1/vm1 STOP
 * ```
 *
 * It has live events, commands, the list of VMs, the log for `history()`, and what goes wrong; no users and no `consume()`.
 */
export class FakeNats {
  readonly #broker = new Broker();
  readonly #jetstream = new FakeJetStream(this.#broker);
  readonly #statuses = new Subject<FakeNatsStatus>();
  readonly #hosts = new Set<FakeHost>();
  readonly #connections = new Set<FakeNatsConnection>();
  readonly #beat: number;
  #last = 0;

  constructor({ beat = 5_000 }: FakeNatsOptions = {}) {
    if (!(beat >= 10 && beat <= 3_600_000)) throw new RangeError(`beat must be 10 to 3,600,000 ms; it is ${beat}`);
    this.#beat = beat;
  }

  /** A connection for a `FleetClient`. Closed by {@link close}. */
  connect(): FakeNatsConnection {
    const server = { broker: this.#broker, status$: this.#statuses, url: URL };
    const connection = new FakeNatsConnection(server, ++this.#last);
    this.#connections.add(connection);
    return connection;
  }

  /** A host whose agent begins to serve it now. @throws Error if there is one of that name which has not ended */
  host(name: string, options: FakeHostOptions = {}): FakeHost {
    if ([...this.#hosts].some((host) => host.name === name && !host.hasEnded)) {
      throw new Error(`${name} is served already: stop() or kill() that host first`);
    }
    const host = new FakeHost(this.#broker, name, FIRST_EPOCH + ++this.#last, this.#beat, options);
    this.#hosts.add(host);
    return host;
  }

  /** The server dies: connections are lost, live events of that time are missing, the agents keep them for the log. */
  disconnect(): void {
    if (this.#broker.away) return;
    this.#broker.away = true;
    this.#statuses.next({ type: 'disconnect', server: URL });
  }

  /** It is there again. */
  reconnect(): void {
    if (!this.#broker.away) return;
    this.#broker.away = false;
    this.#statuses.next({ type: 'reconnect', server: URL });
    for (const host of this.#hosts) host.beat();
    this.#jetstream.pump();
  }

  /** Ends the hosts and closes the connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#hosts].map((host) => host.close()));
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }
}
