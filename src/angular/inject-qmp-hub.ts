import { DestroyRef, inject, type Signal } from '@angular/core';
import type { Observable } from 'rxjs';
import type { QmpClient } from '../client/qmp-client.js';
import type { HubState } from '../hub/client/hub-client.js';
import type { VmInfo } from '../gateway/vm-info.js';
import type { HubHistoryOptions } from '../hub/client/hub-history.js';
import type { HubEvent, HubGap } from '../hub/protocol.js';
import { injectFrom, type InjectOptions } from './injection.js';
import { SharedHub } from './shared-hub.js';

/** The VMs of a hub. */
export interface QmpHub {
  /** Whether the hub is reached, and what its token allows. */
  readonly state: Signal<HubState>;
  /** The VMs as the hub last told them; empty before. */
  readonly vms: Signal<readonly VmInfo[]>;
  /** The events of all VMs, hot. */
  readonly events$: Observable<HubEvent>;
  /** Tells of each hole in {@link events$}, before the first event after it. */
  readonly gaps$: Observable<HubGap>;
  /** What the hub has kept of the events of a VM: oldest first, then it completes. Each subscription asks again. */
  history(vm: string, options?: HubHistoryOptions): Observable<HubEvent>;
  /**
   * The client of a VM, connecting or connected: one for all who ask for the same name. It is closed when the last injection
   * context that asked for it is destroyed. Do not close it.
   */
  client(name: string): QmpClient;
}

/**
 * The hub of the nearest {@link provideQmpHub}.
 *
 * @throws Error outside an injection context without `injector`, and where nothing is provided
 */
export function injectQmpHub(options: InjectOptions = {}): QmpHub {
  return injectFrom(injectQmpHub, options.injector, () => {
    const shared = inject(SharedHub, { optional: true });
    if (!shared) throw new Error('there is no hub here: add provideQmpHub(url, { token }) to the providers');
    return heldBy(inject(DestroyRef), shared);
  });
}

function heldBy(destroyRef: DestroyRef, shared: SharedHub): QmpHub {
  return {
    state: shared.state,
    vms: shared.vms,
    events$: shared.events$,
    gaps$: shared.gaps$,
    history: (vm, options) => shared.history(vm, options),
    client: shared.clients.heldBy(destroyRef, 'hub'),
  };
}
