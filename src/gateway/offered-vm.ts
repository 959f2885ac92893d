import type { Observable } from 'rxjs';
import type { VmInfo } from './vm-info.js';
import type { PastEvent, SourceRange } from './vm-source.js';
import type { Vm, VmSubscriber } from './vm.js';

/** A VM that a door offers: what is known of it, and the way to it. */
export interface OfferedVm {
  readonly name: string;
  readonly info: VmInfo;
  /** Events received, from the start. */
  readonly events: number;
  /** The VM that is connected, or connects; of another host's VM while somebody uses it. */
  readonly session: Vm | undefined;
  /** @returns what ends it */
  subscribe(subscriber: VmSubscriber): () => void;
  /** What happened to it before, where a source tells it. */
  readonly past?: ((range: SourceRange) => Observable<PastEvent>) | undefined;
  /** Resolves with the VM once there is a session. Rejects with `StateError`, which says why there is none. */
  reach(): Promise<Vm>;
}

/** Hears which VMs there are. */
export interface OfferedVmsSubscriber {
  added(vm: OfferedVm): void;
  removed(vm: OfferedVm): void;
}
