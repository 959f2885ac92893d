import { DestroyRef, inject, type Signal } from '@angular/core';
import type { Observable } from 'rxjs';
import type { QmpClient } from '../client/qmp-client.js';
import type { FleetEvent, FleetGap, FleetState, FleetVm, Where } from '../fleet/client/fleet-types.js';
import type { HistoryRange } from '../fleet/client/history.js';
import { injectFrom, type InjectOptions } from './injection.js';
import { SharedFleet } from './shared-fleet.js';

/** The VMs of a fleet. */
export interface QmpFleet {
  /** Whether NATS is reached. */
  readonly state: Signal<FleetState>;
  /** The VMs of all hosts as their agents told them; empty before. */
  readonly vms: Signal<readonly FleetVm[]>;
  /** The live events that are meant; see `FleetClient`. */
  events$(where?: Where): Observable<FleetEvent>;
  /** What is missing of {@link events$}. */
  gaps$(where?: Where): Observable<FleetGap>;
  /** What the log has: oldest first, then it completes. Each subscription reads again. */
  history(where?: Where & HistoryRange): Observable<FleetEvent | FleetGap>;
  /**
   * The client of a VM, connecting or connected: one for all who ask for the same name, `h1/vm7`. It is closed when the last
   * injection context that asked for it is destroyed. Do not close it.
   */
  client(name: string): QmpClient;
}

/**
 * The fleet of the nearest {@link provideQmpFleet}.
 *
 * @throws Error outside an injection context without `injector`, and where nothing is provided
 */
export function injectQmpFleet(options: InjectOptions = {}): QmpFleet {
  return injectFrom(injectQmpFleet, options.injector, () => {
    const shared = inject(SharedFleet, { optional: true });
    if (!shared) throw new Error('there is no fleet here: add provideQmpFleet(() => wsconnect(…)) to the providers');
    return heldBy(inject(DestroyRef), shared);
  });
}

function heldBy(destroyRef: DestroyRef, shared: SharedFleet): QmpFleet {
  return {
    state: shared.state,
    vms: shared.vms,
    events$: (where) => shared.read((fleet) => fleet.events$(where)),
    gaps$: (where) => shared.read((fleet) => fleet.gaps$(where)),
    history: (where) => shared.read((fleet) => fleet.history(where)),
    client: shared.clients.heldBy(destroyRef, 'fleet'),
  };
}
