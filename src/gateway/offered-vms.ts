import type { OfferedVm, OfferedVmsSubscriber } from './offered-vm.js';
import type { SourceVms } from './source-vms.js';
import type { VmInfo } from './vm-info.js';
import type { Vms } from './vms.js';

/** The VMs that a door offers: those of its own host, and those of a source. */
export class OfferedVms {
  readonly #own: Vms;
  readonly #distant: SourceVms | undefined;

  constructor(own: Vms, distant: SourceVms | undefined) {
    this.#own = own;
    this.#distant = distant;
  }

  get all(): readonly OfferedVm[] {
    return [...this.#own.all, ...(this.#distant?.all ?? [])];
  }

  get list(): readonly VmInfo[] {
    return this.all.map((vm) => vm.info);
  }

  get(name: string): OfferedVm | undefined {
    return this.#own.get(name) ?? this.#distant?.get(name);
  }

  /** Calls `added` for those that are there, too. */
  subscribe(subscriber: OfferedVmsSubscriber): void {
    this.#own.subscribe(subscriber);
    this.#distant?.subscribe(subscriber);
  }
}
