import { asyncScheduler, type Subscription } from 'rxjs';
import type { EventBus } from '../../bus/event-bus.js';
import { QmpClient } from '../../client/qmp-client.js';
import type { ConnectionState } from '../../client/state.js';
import { messageId } from '../../fleet/numbers.js';
import { DOWN, eventTokenOf, subjectOf, UP, type VmName } from '../../fleet/subjects.js';
import { VmCounter } from '../../fleet/vm-counter.js';
import { stringify } from '../../protocol/json.js';
import { FakeQemu } from '../fake-qemu.js';

/** What a VM needs of its host. */
export interface FakeVmHost {
  readonly epoch: number;
  /** @param isEvent false for what marks a session's beginning and end */
  live(subject: string, id: string, text: string, isEvent: boolean): void;
  log(subject: string, id: string, text: string): void;
  /** What is known of it has changed. */
  tell(vm: string, value: object): void;
}

/** One VM of a {@link FakeHost}: numbers its events and publishes them. */
export class FakeFleetVm {
  readonly name: VmName;
  readonly counter: VmCounter = new VmCounter();
  readonly #host: FakeVmHost;
  readonly #bus: EventBus;
  readonly #qemu: FakeQemu | undefined;
  readonly #subscriptions: Subscription[] = [];
  #up = false;
  #told: { readonly state: string; readonly since: string; readonly reason?: string };

  constructor(name: VmName, source: FakeQemu | EventBus, host: FakeVmHost) {
    this.name = name;
    this.#host = host;
    this.#qemu = source instanceof FakeQemu ? source : undefined;
    this.#bus = source instanceof FakeQemu ? clientOf(source, name) : source;
    this.#told = { state: 'connecting', since: now() };
    this.#tell();
    const events = this.#bus.events$.subscribe({
      next: (event) => {
        this.#begin();
        this.#publish(event.event, stringify(event, 'event'), true);
        this.#tell();
      },
      complete: () => {
        this.#finish('its bus is closed');
      },
    });
    this.#subscriptions.push(events);
    const { client } = this;
    if (!client) this.#begin();
    else this.#subscriptions.push(this.#follow(client));
  }

  /** Undefined for a bus that cannot be asked anything. */
  get client(): QmpClient | undefined {
    return this.#bus instanceof QmpClient ? this.#bus : undefined;
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** Why there is no session. */
  get reason(): string {
    return this.#told.reason ?? 'there is no session to its QEMU';
  }

  /** Resolves with the first session to its QEMU; at once for a bus. */
  async ready(): Promise<void> {
    if (this.#qemu) await this.client?.connect();
  }

  /** @param last whether its readers are told */
  async end(last: boolean): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    if (last && this.#up) this.#publish(DOWN, '', false);
    this.#up = false;
    if (this.#qemu) await this.client?.close();
  }

  #follow(client: QmpClient): Subscription {
    return client.state$.subscribe((state) => {
      if (state.phase === 'ready') this.#begin();
      else if (this.#up) this.#finish(causeOf(state) ?? 'the session has ended');
    });
  }

  #begin(): void {
    if (this.#up) return;
    this.#up = true;
    this.counter.begin();
    this.#publish(UP, '', false);
    this.#told = { state: 'ready', since: now() };
    this.#tell();
  }

  #finish(reason: string): void {
    if (!this.#up) return;
    this.#publish(DOWN, '', false);
    this.#up = false;
    this.#told = { state: 'gone', since: now(), reason };
    this.#tell();
  }

  #tell(): void {
    const qemu = this.client?.greeting?.QMP.version.qemu;
    const { vm } = this.name;
    this.#host.tell(vm, {
      ...{ name: vm, ...this.#told },
      ...(qemu && { qemu: `${qemu.major}.${qemu.minor}.${qemu.micro}` }),
      ...(this.#qemu && this.#up && { status: this.#qemu.status }),
      epoch: this.#host.epoch,
    });
  }

  #publish(name: string, text: string, isEvent: boolean): void {
    const numbers = this.counter.next(name, this.#host.epoch);
    if (!numbers) return;
    const id = messageId(this.name, numbers);
    const token = eventTokenOf(name);
    this.#host.live(`${subjectOf('evt', this.name)}.${token}`, id, text, isEvent);
    this.#host.log(`${subjectOf('log', this.name)}.${token}`, id, text);
  }
}

function clientOf(qemu: FakeQemu, { host, vm }: VmName): QmpClient {
  return new QmpClient(qemu.connector, {
    ...{ name: `${host}/${vm}`, executeTimeout: Infinity, integers: 'exact', reconnect: { delay: () => 50 } },
    events: { queueLimit: 0, historyLimit: 0 },
  });
}

function causeOf(state: ConnectionState): string | undefined {
  return 'cause' in state ? state.cause.message : undefined;
}

function now(): string {
  return new Date(asyncScheduler.now()).toISOString();
}
