import { EMPTY, filter, firstValueFrom } from 'rxjs';
import { StateError } from '../protocol/errors.js';
import type { OfferedVm } from './offered-vm.js';
import type { VmInfo } from './vm-info.js';
import { lineOf, type SourceEvent, type SourceVm, type VmSource } from './vm-source.js';
import type { Vm, VmSubscriber } from './vm.js';

/** Milliseconds that a session stays after its last use. */
const STAY = 30_000;

/** A VM of a source. What is known of it the source tells; there is a session only while somebody uses it. */
export class DistantVm implements OfferedVm {
  readonly name: string;
  readonly past: OfferedVm['past'];
  readonly #dial: () => Vm;
  readonly #subscribers = new Set<VmSubscriber>();
  /** What the source has told last, and what of it is passed on. */
  #given: SourceVm;
  #told: SourceVm;
  #session: Vm | undefined;
  #timer: NodeJS.Timeout | undefined;
  #events = 0;
  #lastEvent: VmInfo['lastEvent'];

  /** @param source of it, @param dial makes the VM that connects */
  constructor(given: SourceVm, source: VmSource, dial: () => Vm) {
    const { name } = given;
    this.name = name;
    this.past = source.history && ((range) => source.history?.(name, range) ?? EMPTY);
    this.#given = given;
    this.#told = only(given);
    this.#dial = () => {
      const vm = dial();
      vm.subscribe({
        event: (text, _n, event) => {
          if (!source.events$) this.hear({ event, text });
        },
        changed: () => undefined,
        ended: () => undefined,
        idle: () => {
          this.#leaveLater();
        },
      });
      vm.start();
      return vm;
    };
  }

  get info(): VmInfo {
    return { ...this.#told, events: this.#events, ...(this.#lastEvent && { lastEvent: this.#lastEvent }) };
  }

  get events(): number {
    return this.#events;
  }

  get session(): Vm | undefined {
    return this.#session;
  }

  subscribe(subscriber: VmSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  async reach(): Promise<Vm> {
    const vm = (this.#session ??= this.#dial());
    this.#leaveLater();
    const settled = vm.client.state$.pipe(filter(({ phase }) => !UNSETTLED.has(phase)));
    const state = await firstValueFrom(settled, { defaultValue: vm.client.state });
    if (state.phase === 'ready') return vm;
    const reason = 'cause' in state ? state.cause.message : 'it is not offered any more';
    throw new StateError(`${this.name}: there is no session: ${reason}`);
  }

  /** The source has told something; the very object that it has told before costs nothing. */
  tell(given: SourceVm): void {
    if (given === this.#given) return;
    this.#given = given;
    const told = only(given);
    if (JSON.stringify(told) === JSON.stringify(this.#told)) return;
    this.#told = told;
    const { info } = this;
    for (const subscriber of this.#subscribers) subscriber.changed(info);
  }

  /** Nothing more will be told. */
  lose(reason: string): void {
    this.tell({ ...this.#told, state: 'unknown', since: new Date().toISOString(), reason });
  }

  /** An event has come. */
  hear({ event, missed = 0, ...told }: Omit<SourceEvent, 'vm'>): void {
    const text = lineOf({ event, ...told });
    this.#events += missed + 1;
    this.#lastEvent = { event: event.event, time: new Date().toISOString() };
    for (const subscriber of this.#subscribers) subscriber.event(text, this.#events, event);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const vm = this.#session;
    this.#session = undefined;
    await vm?.close();
  }

  /** From now on, unless somebody comes meanwhile. */
  #leaveLater(): void {
    clearTimeout(this.#timer);
    if (!this.#session) return;
    this.#timer = setTimeout(() => {
      if (this.#session?.callers === 0) void this.close();
    }, STAY);
  }
}

/** An attempt is under way. */
const UNSETTLED: ReadonlySet<string> = new Set(['idle', 'connecting', 'negotiating']);

/** Only what belongs there, and is what it should be: a source may pass on what strangers wrote. */
function only(told: SourceVm): SourceVm {
  const { name, state, since, failedJob } = told;
  const texts = (['status', 'qemu', 'reason'] as const).filter((member) => typeof told[member] === 'string');
  const lists = (['jobs', 'addresses'] as const).filter((member) => Array.isArray(told[member]));
  const known = Object.fromEntries([...texts, ...lists].map((member) => [member, told[member]]));
  return { name, state, since, ...known, ...(failedJob && { failedJob }) };
}
