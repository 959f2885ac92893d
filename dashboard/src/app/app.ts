import { ChangeDetectionStrategy, Component, computed, inject, linkedSignal } from '@angular/core';
import type { HubState } from 'rx-qmp';
import { injectQmpHub } from 'rx-qmp/angular';
import { Alerts } from './alerts';
import { Clock } from './clock';
import { EventStore } from './events/event-store';
import { EventLog } from './log/event-log';
import { Rights } from './rights';
import { Route } from './route';
import { SignIn } from './sign-in';
import { Timeline } from './timeline/timeline';
import { VmPage } from './vm/vm-page';
import { VmList } from './vms/vm-list';
import { VmStore } from './vms/vm-store';

/** The page. */
@Component({
  selector: 'app-root',
  imports: [EventLog, SignIn, Timeline, VmList, VmPage],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './app.html',
  styleUrl: './app.css',
})
export class App {
  readonly #hub = injectQmpHub();
  readonly #clock = inject(Clock);
  readonly #store = inject(VmStore);
  readonly alerts = inject(Alerts);
  readonly place = inject(Route).place;
  readonly role = inject(Rights).role;
  readonly address = location.host;
  readonly total = inject(EventStore).total;
  readonly state = this.#hub.state;
  readonly vms = computed(() => this.#store.rows().length);
  readonly counts = this.#store.counts;
  readonly trouble = computed(() => this.#store.open().length);

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
  readonly connection = computed(() => {
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

  acknowledgeAll(): void {
    this.#store.acknowledge(...this.#store.rows());
  }

  /** The link's own jump would change the place behind the `#`. */
  skip(event: Event): void {
    event.preventDefault();
    document.querySelector<HTMLElement>('main')?.focus();
  }
}
