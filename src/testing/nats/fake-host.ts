import type { EventBus } from '../../bus/event-bus.js';
import { ID_HEADER } from '../../fleet/numbers.js';
import { VMS_BUCKET } from '../../fleet/store-names.js';
import { beatSubject, checkName, classOf, nameOf, PREFIX, tokenOf } from '../../fleet/subjects.js';
import { BEATS, errorAnswer, PROTOCOL, readObject, TO_HEADER, type Beat } from '../../fleet/wire.js';
import { ExecuteError, QmpError } from '../../protocol/errors.js';
import { stringify } from '../../protocol/json.js';
import type { FakeQemu } from '../fake-qemu.js';
import type { Broker } from './broker.js';
import { FakeFleetVm } from './fake-fleet-vm.js';
import { FakeHeaders, type NatsMessage } from './message.js';

/** How a fake host behaves. */
export interface FakeHostOptions {
  /** What may be run besides `query-*`, as of an agent. @default none */
  readonly allow?: readonly string[];
}

/** A host of the fleet, with its agent: publishes the events of its VMs, and answers for them. */
export class FakeHost {
  /** The first half of the names of its VMs. */
  readonly name: string;
  readonly #broker: Broker;
  readonly #allow: readonly string[];
  readonly #every: number;
  readonly #epoch: number;
  readonly #vms = new Map<string, FakeFleetVm>();
  readonly #unsubscribe: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #ends: Promise<void>[] = [];
  readonly #known = new Map<string | undefined, object>();
  #beat = 0;
  #lose = 0;
  #ended = false;

  /** @internal */
  constructor(broker: Broker, name: string, epoch: number, every: number, { allow = [] }: FakeHostOptions) {
    checkName('host', name);
    this.name = name;
    this.#broker = broker;
    this.#allow = allow;
    this.#every = every;
    this.#epoch = epoch;
    this.#unsubscribe = broker.subscribe({
      pattern: `${PREFIX}.cmd.${tokenOf(name)}.*.*.*`,
      deliver: (message) => {
        if (!broker.away) void this.#take(message);
      },
    });
    this.#remember(undefined, { epoch });
    this.#timer = setInterval(() => {
      this.beat();
    }, every);
    this.beat();
  }

  /**
   * Adds a VM: a {@link FakeQemu}, or a bus, whose events are those of the VM, and to which nobody can connect; the `bus()` of
   * `qmpMarbles`, say. Resolves when it is `ready`, which of a bus it is at once.
   */
  async add(vm: string, source: FakeQemu | EventBus): Promise<void> {
    checkName('VM', vm);
    if (this.#ended) throw new Error(`${this.name} has ended`);
    if (this.#vms.has(vm)) throw new Error(`${this.name} has a VM ${vm} already`);
    const added = new FakeFleetVm({ host: this.name, vm }, source, {
      epoch: this.#epoch,
      live: (subject, id, text, isEvent) => {
        this.#live(subject, id, text, isEvent);
      },
      log: (subject, id, text) => {
        this.#broker.publish(subject, text, { headers: new FakeHeaders({ [ID_HEADER]: id }) });
      },
      tell: (name, value) => {
        this.#remember(name, value);
      },
    });
    this.#vms.set(vm, added);
    await added.ready();
  }

  /** @internal Whether it has ended. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Forgets a VM. */
  remove(vm: string): void {
    this.#ends.push(this.#vms.get(vm)?.end(true) ?? Promise.resolve());
    this.#vms.delete(vm);
    this.#remember(vm, undefined);
  }

  /** Loses the next events on their way to live readers, who are told of it: by the next event of that VM, or by the next beat. */
  lose(events = 1): void {
    this.#lose += events;
  }

  /**
   * Says that the host lives and how far its VMs are. It does so by itself every five seconds of real time; of virtual time it
   * knows nothing.
   */
  beat(): void {
    this.#publishBeat();
  }

  /** The agent dies without a word: its VMs are `unknown` after three beats, and nobody answers commands. */
  kill(): void {
    this.#end(false);
  }

  /** The agent ends in good order: its VMs are `unknown` at once. */
  stop(): void {
    this.#end(true);
  }

  /** @internal Kills it, and resolves when its clients are closed. */
  async close(): Promise<void> {
    this.kill();
    await Promise.all(this.#ends);
  }

  #end(inOrder: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    for (const vm of this.#vms.values()) this.#ends.push(vm.end(inOrder));
    if (!inOrder) return;
    this.#publishBeat('last');
    for (const [vm, value] of this.#known) this.#remember(vm, { ...value, stopped: true });
  }

  #publishBeat(last?: 'last'): void {
    if (this.#broker.away || (this.#ended && !last)) return;
    const moved = [...this.#vms].flatMap(([name, { counter }]) => (counter.moved ? [[name, counter.moved]] : []));
    const after = this.#beat++;
    const beat: Beat = {
      ...{ epoch: this.#epoch, beat: this.#beat, after, every: this.#every },
      moved: Object.fromEntries(moved) as Beat['moved'],
      ...(last && { stopped: true }),
    };
    for (const { counter } of this.#vms.values()) counter.reported();
    this.#broker.publish(beatSubject(this.name), JSON.stringify(beat));
  }

  #live(subject: string, id: string, text: string, isEvent: boolean): void {
    if (this.#broker.away) return;
    if (isEvent && this.#lose > 0) this.#lose -= 1;
    else this.#broker.publish(subject, text, { headers: new FakeHeaders({ [ID_HEADER]: id }) });
  }

  /** In the table of VMs: what is known of one, or of the host itself. */
  #remember(vm: string | undefined, value: object | undefined): void {
    if (value) this.#known.set(vm, value);
    else this.#known.delete(vm);
    const key = [this.name, ...(vm === undefined ? [] : [vm])].map(tokenOf).join('.');
    const headers = value ? undefined : new FakeHeaders({ 'KV-Operation': 'PURGE' });
    this.#broker.publish(`$KV.${VMS_BUCKET}.${key}`, value ? JSON.stringify(value) : '', headers && { headers });
  }

  async #take(message: NatsMessage): Promise<void> {
    const [vmToken = '', commandClass, commandToken = ''] = message.subject.split('.').slice(3);
    const vm = this.#vms.get(nameOf(vmToken) ?? '');
    const command = nameOf(commandToken) ?? '';
    await Promise.resolve(); // nobody is answered before it has finished asking
    if (commandClass === 's') {
      message.respond(this.#hello(vm, nameOf(vmToken)));
      return;
    }
    const [epoch, session, beat = 0] = (message.headers?.get(TO_HEADER) ?? '').split('.').map(Number);
    if (epoch !== this.#epoch) return;
    const refusal = this.#refusalOf(command, commandClass, vm?.isUp === true && vm.counter.session === session, beat);
    const answer = refusal === undefined ? await run(vm, command, commandClass === 'o', message) : errorAnswer(refusal);
    if (answer !== undefined && !this.#ended) message.respond(answer);
  }

  #hello(vm: FakeFleetVm | undefined, name: string | undefined): string {
    const at = { protocol: PROTOCOL, epoch: this.#epoch, every: this.#every };
    if (!vm) return JSON.stringify({ ...at, gone: `${this.name} has no VM ${JSON.stringify(name)}` });
    const { client, counter, isUp, reason } = vm;
    if (!client) return JSON.stringify({ ...at, gone: 'it is a bus, which takes no commands: add a FakeQemu' });
    if (!isUp) return JSON.stringify({ ...at, gone: reason });
    const { session, n, names: k } = counter;
    return JSON.stringify({ ...at, greeting: client.greeting, session, n, k, beat: this.#beat });
  }

  #refusalOf(command: string, of: string | undefined, isSession: boolean, beat: number): string | undefined {
    if (!isSession) return 'it was sent to a session that is over, and was not run';
    if (this.#beat - beat >= BEATS) return `it is older than ${BEATS * this.#every} ms, and was not run`;
    if (of !== classOf(command, of === 'o')) return `${command} is not of the class ${JSON.stringify(of)}`;
    if (of === 'q' || this.#allow.includes(command)) return undefined;
    return `${command} is not allowed by the agent of ${this.name}; its --allow ${command} allows it`;
  }
}

/** The answer; undefined if the session has ended meanwhile, which ends that of whoever has asked, too. */
async function run(
  vm: FakeFleetVm | undefined,
  command: string,
  oob: boolean,
  message: NatsMessage,
): Promise<string | undefined> {
  const args = message.data.length === 0 ? undefined : readObject(message.string());
  try {
    const result: unknown = await vm?.client?.execute(command, args, { oob });
    return `{"return":${stringify(result, 'return')}}`;
  } catch (error) {
    if (error instanceof ExecuteError) return errorAnswer(error.desc, error.errorClass);
    return error instanceof QmpError ? undefined : errorAnswer((error as Error).message);
  }
}
