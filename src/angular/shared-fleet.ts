import { signal, type Signal } from '@angular/core';
import { NEVER, defer, from, switchMap, type Observable, type Subscription } from 'rxjs';
import { QmpClient } from '../client/qmp-client.js';
import type { FleetClient } from '../fleet/client/fleet-client.js';
import type { FleetState, FleetVm } from '../fleet/client/fleet-types.js';
import { textOf } from '../foundation/text.js';
import { unopened } from './platform.js';
import { keepConnected } from './provide-qmp.js';
import { SharedClients } from './shared-clients.js';

/** A fleet, and how to end what carries it. */
export interface OpenFleet {
  readonly fleet: FleetClient;
  close(): Promise<void>;
}

/** One fleet for all who inject it: its state as signals, and its clients, each shared by those who use the same VM. */
export class SharedFleet {
  readonly state: Signal<FleetState>;
  readonly vms: Signal<readonly FleetVm[]>;
  readonly clients: SharedClients = new SharedClients((name) => this.#open(name));
  /** Undefined on a server. */
  readonly #opening: Promise<OpenFleet> | undefined;
  readonly #outsideZone: <T>(fn: () => T) => T;
  readonly #subscriptions: Subscription[] = [];
  #closed = false;

  constructor(opening: Promise<OpenFleet> | undefined, outsideZone: <T>(fn: () => T) => T) {
    this.#opening = opening;
    this.#outsideZone = outsideZone;
    const state = signal<FleetState>({ phase: 'idle' });
    const vms = signal<readonly FleetVm[]>([]);
    this.state = state.asReadonly();
    this.vms = vms.asReadonly();
    opening?.then(
      ({ fleet }) => {
        if (this.#closed) return;
        outsideZone(() => {
          this.#subscriptions.push(
            fleet.state$.subscribe((next) => {
              state.set(next);
            }),
            fleet.vms$.subscribe({
              next: (next) => {
                vms.set(next);
              },
              error: (cause: unknown) => {
                state.set({ phase: 'closed', cause: cause as Error });
              },
            }),
          );
        });
      },
      (error: unknown) => {
        // A failure is a state, never an unhandled rejection.
        state.set({ phase: 'closed', cause: error instanceof Error ? error : new Error(textOf(error)) });
      },
    );
  }

  /** What the fleet gives once it is open. */
  read<T>(from$: (fleet: FleetClient) => Observable<T>): Observable<T> {
    const opening = this.#opening;
    if (!opening) return NEVER;
    return defer(() => from(opening)).pipe(switchMap(({ fleet }) => from$(fleet)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.clients.close();
    await this.#opening?.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  #open(name: string): QmpClient {
    const opening = this.#opening;
    return this.#outsideZone(() => {
      if (!opening) return new QmpClient(unopened, { name });
      const dial = async (signal: AbortSignal) => (await opening).fleet.connector(name)(signal);
      return keepConnected(new QmpClient(Object.assign(dial, { address: `nats:${name}` }), { name, reconnect: true }));
    });
  }
}
