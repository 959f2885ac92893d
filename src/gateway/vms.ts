import { show } from '../foundation/text.js';
import type { Connector } from '../transport/connection.js';
import type { Logger } from '../foundation/logger.js';
import type { VmInfo } from './vm-info.js';
import { Vm } from './vm.js';

/** What a VM may be called: it is a part of addresses, log lines and file names. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export function isVmName(name: string): boolean {
  return NAME.test(name);
}

/** Hears which VMs there are. */
export interface VmsSubscriber {
  /** A VM has come, and has not begun to connect. */
  added(vm: Vm): void;
  /** It has gone; its session has ended. */
  removed(vm: Vm): void;
}

/** The VMs of one host. */
export class Vms {
  readonly #logger: Logger | undefined;
  readonly #vms = new Map<string, Vm>();
  readonly #subscribers = new Set<VmsSubscriber>();

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  get all(): readonly Vm[] {
    return [...this.#vms.values()];
  }

  get list(): readonly VmInfo[] {
    return this.all.map((vm) => vm.info);
  }

  get(name: string): Vm | undefined {
    return this.#vms.get(name);
  }

  /** Calls `added` for those that are there, too. @returns what ends it */
  subscribe(subscriber: VmsSubscriber): () => void {
    for (const vm of this.all) subscriber.added(vm);
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** @param guest leads to its guest agent. @throws TypeError if the name is taken or not valid */
  add(name: string, connector: Connector, guest?: Connector<object>): Vm {
    if (!isVmName(name)) throw new TypeError(`a VM's name is letters, digits and _ . -, up to 100, not ${show(name)}`);
    if (this.#vms.has(name)) throw new TypeError(`there is a VM ${name} already`);
    const vm = new Vm(name, connector, this.#logger, guest);
    this.#vms.set(name, vm);
    for (const subscriber of this.#subscribers) subscriber.added(vm);
    vm.start();
    return vm;
  }

  /** Ends its session and forgets it. Does nothing where there is no such VM. */
  async remove(name: string): Promise<void> {
    const vm = this.#vms.get(name);
    if (!vm) return;
    this.#vms.delete(name);
    await vm.close();
    for (const subscriber of this.#subscribers) subscriber.removed(vm);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((vm) => vm.close()));
    this.#vms.clear();
  }
}
