import type { Subscription } from 'rxjs';
import type { Logger } from '../foundation/logger.js';
import { DistantVm } from './distant-vm.js';
import type { OfferedVm, OfferedVmsSubscriber } from './offered-vm.js';
import type { SourceEvent, SourceVm, VmSource } from './vm-source.js';
import { Vm } from './vm.js';
import { isVmName } from './vms.js';

/** Names that were warned of; more are left out without a word. */
const WARNED = 100;
/** Events kept of VMs that the list does not have yet, the latest of all. */
const EARLY = 1_000;

/** Keeps the list of VMs in step with a source. */
export class SourceVms {
  readonly #source: VmSource;
  readonly #logger: Logger | undefined;
  readonly #vms = new Map<string, DistantVm>();
  readonly #subscribers = new Set<OfferedVmsSubscriber>();
  readonly #warned = new Set<string>();
  readonly #subscriptions: Subscription[] = [];
  /** Of VMs that are not in the list yet: an event may be faster than the news of its VM. */
  #early: SourceEvent[] = [];

  constructor(source: VmSource, logger: Logger | undefined) {
    this.#source = source;
    this.#logger = logger;
  }

  get all(): readonly OfferedVm[] {
    return [...this.#vms.values()];
  }

  get(name: string): OfferedVm | undefined {
    return this.#vms.get(name);
  }

  /** Calls `added` for those that are there, too. */
  subscribe(subscriber: OfferedVmsSubscriber): void {
    for (const vm of this.all) subscriber.added(vm);
    this.#subscribers.add(subscriber);
  }

  start(): void {
    const { vms$, events$ } = this.#source;
    const listFailed = (error: unknown): void => {
      this.#warnOfEnd('which VMs there are', error);
      for (const vm of this.#vms.values()) vm.lose('its source has failed');
    };
    const eventsFailed = (error: unknown): void => {
      this.#warnOfEnd('what happens to them', error);
    };
    const take = (vms: readonly SourceVm[]): void => {
      this.#take(vms);
    };
    const hear = (event: SourceEvent): void => {
      this.#hear(event);
    };
    this.#subscriptions.push(vms$.subscribe({ next: take, error: listFailed }));
    if (!events$) return;
    this.#subscriptions.push(events$.subscribe({ next: hear, error: eventsFailed }));
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    await Promise.all([...this.#vms.values()].map((vm) => vm.close()));
    this.#vms.clear();
  }

  #take(list: readonly SourceVm[]): void {
    const gone = new Set(this.#vms.keys());
    for (const told of list) {
      if (!isDistantName(told.name)) {
        this.#skip(told.name);
        continue;
      }
      gone.delete(told.name);
      const known = this.#vms.get(told.name);
      if (known) known.tell(told);
      else this.#add(told);
    }
    for (const name of gone) this.#remove(name);
  }

  #hear(event: SourceEvent): void {
    const vm = this.#vms.get(event.vm);
    if (vm) vm.hear(event);
    else if (this.#early.push(event) > EARLY) this.#early.shift();
  }

  #add(told: SourceVm): void {
    const { name } = told;
    // That it is dialled and left is no news: the VM is there all the time.
    const logger = this.#logger;
    const quiet: Logger | undefined = logger && {
      debug: (message) => {
        logger.debug(message);
      },
      warn: (message) => {
        logger.warn(message);
      },
    };
    const dial = (): Vm => new Vm(name, this.#source.connector(name), quiet);
    const vm = new DistantVm(told, this.#source, dial);
    this.#vms.set(name, vm);
    for (const subscriber of this.#subscribers) subscriber.added(vm);
    const early = this.#early.filter((event) => event.vm === name);
    if (early.length === 0) return;
    this.#early = this.#early.filter((event) => event.vm !== name);
    for (const event of early) this.#hear(event);
  }

  #remove(name: string): void {
    const vm = this.#vms.get(name);
    if (!vm) return;
    this.#vms.delete(name);
    for (const subscriber of this.#subscribers) subscriber.removed(vm);
    void vm.close();
  }

  #warnOfEnd(what: string, error: unknown): void {
    const why = error instanceof Error ? `: ${error.message}` : '';
    this.#logger?.warn(`the source of VMs does not tell ${what} any more${why}`);
  }

  #skip(name: string): void {
    if (this.#warned.has(name) || this.#warned.size >= WARNED) return;
    this.#warned.add(name);
    this.#logger?.warn(`a VM of the source is left out: ${JSON.stringify(name)} is not a valid PLACE/NAME`);
  }
}

/** With a slash at least, which no VM of this host has in its name. */
function isDistantName(name: string): boolean {
  const parts = name.split('/');
  return parts.length > 1 && parts.every(isVmName);
}
