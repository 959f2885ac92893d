import { signal, type Signal } from '@angular/core';
import { NEVER, type Observable, type Subscription } from 'rxjs';
import { QmpClient } from '../client/qmp-client.js';
import type { HubClient, HubState } from '../hub/client/hub-client.js';
import type { VmInfo } from '../gateway/vm-info.js';
import type { HubHistoryOptions } from '../hub/client/hub-history.js';
import type { HubEvent, HubGap } from '../hub/protocol.js';
import { unopened } from './platform.js';
import { keepConnected } from './provide-qmp.js';
import { SharedClients } from './shared-clients.js';

/** One hub for all who inject it: its state as signals, and its clients, each shared by those who use the same VM. */
export class SharedHub {
  readonly state: Signal<HubState>;
  readonly vms: Signal<readonly VmInfo[]>;
  readonly clients: SharedClients = new SharedClients((name) => this.#open(name));
  readonly events$: Observable<HubEvent>;
  readonly gaps$: Observable<HubGap>;
  /** Undefined on a server. */
  readonly #hub: HubClient | undefined;
  readonly #outsideZone: <T>(fn: () => T) => T;
  readonly #subscriptions: Subscription[] = [];

  constructor(hub: HubClient | undefined, outsideZone: <T>(fn: () => T) => T) {
    this.#hub = hub;
    this.#outsideZone = outsideZone;
    this.events$ = hub?.events$ ?? NEVER;
    this.gaps$ = hub?.gaps$ ?? NEVER;
    const state = signal<HubState>({ phase: 'idle' });
    const vms = signal<readonly VmInfo[]>([]);
    this.state = state.asReadonly();
    this.vms = vms.asReadonly();
    outsideZone(() => {
      if (!hub) return;
      this.#subscriptions.push(
        hub.state$.subscribe((next) => {
          state.set(next);
        }),
        hub.vms$.subscribe((next) => {
          vms.set(next);
        }),
      );
    });
  }

  history(vm: string, options?: HubHistoryOptions): Observable<HubEvent> {
    return this.#hub?.history(vm, options) ?? NEVER;
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.clients.close();
    await this.#hub?.close();
  }

  #open(name: string): QmpClient {
    return this.#outsideZone(() => {
      const hub = this.#hub;
      return hub ? keepConnected(hub.client(name)) : new QmpClient(unopened, { name });
    });
  }
}
