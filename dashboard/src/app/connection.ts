import { computed, inject, Injectable, linkedSignal, resource } from '@angular/core';
import type { HubState } from 'rx-qmp';
import { injectQmpHub } from 'rx-qmp/angular';
import { Clock } from './clock';
import { HubRequests } from './hub-requests';

/** How the page and its hub stand. */
@Injectable({ providedIn: 'root' })
export class Connection {
  readonly #clock = inject(Clock);
  readonly #requests = inject(HubRequests);
  readonly state = injectQmpHub().state;

  /** Once it was open, what is known stays on the page while it is away. */
  readonly wasOpen = linkedSignal<HubState, boolean>({
    source: this.state,
    computation: ({ phase }, previous) => phase === 'open' || (previous?.value ?? false),
  });
  /** Stays while the next attempt is under way, lest the form vanishes under the hands of who fills it in. */
  readonly problem = linkedSignal<HubState, string | undefined>({
    source: this.state,
    computation: (state, previous) => {
      if (state.phase === 'open') return undefined;
      if (state.phase === 'reconnecting' || state.phase === 'closed') return state.cause?.message ?? 'closed';
      return previous?.value;
    },
  });
  readonly #asked = resource({
    params: () => this.problem(),
    loader: ({ abortSignal }) => this.#requests.status('/vms', abortSignal),
  });
  /**
   * The status with which the hub answers this token while there is a problem, 0 if nothing answers: a browser does not tell a
   * page why a WebSocket was not opened. Each attempt asks again; the last answer stays until then.
   */
  readonly answer = linkedSignal<{ problem: string | undefined; status: number | undefined }, number | undefined>({
    source: () => ({ problem: this.problem(), status: this.#asked.value() }),
    computation: ({ problem, status }, previous) => (problem === undefined ? undefined : (status ?? previous?.value)),
  });
  /** The hub knows this token no longer, or never did. */
  readonly refused = computed(() => this.answer() === 401);

  readonly text = computed(() => {
    const state = this.state();
    switch (state.phase) {
      case 'open':
        return 'live';
      case 'reconnecting': {
        const seconds = Math.max(0, Math.ceil((state.retryAt.getTime() - this.#clock.now()) / 1000));
        return seconds > 0 ? `trying again in ${seconds} s` : 'trying again';
      }
      case 'closed':
        return 'closed';
      default:
        return 'connecting';
    }
  });
}
