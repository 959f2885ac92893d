import { ChangeDetectionStrategy, Component, computed, inject, linkedSignal } from '@angular/core';
import type { HubState } from 'rx-qmp';
import { injectQmpHub } from 'rx-qmp/angular';
import { Clock } from './clock';
import { Door } from './door';
import { EventLog } from './event-log';
import { Recorder } from './recorder';
import { SETTINGS } from './settings';
import { Timeline } from './timeline';
import { VmCard } from './vm-card';

/** The page. */
@Component({
  selector: 'app-root',
  imports: [Door, EventLog, Timeline, VmCard],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './app.html',
  styleUrl: './app.css',
})
export class App {
  readonly #hub = injectQmpHub();
  readonly #clock = inject(Clock);
  readonly #recorder = inject(Recorder);
  readonly address = inject(SETTINGS).hub.replace(/^\w+:\/\//, '');
  readonly vms = this.#hub.vms;
  readonly state = this.#hub.state;
  readonly total = this.#recorder.total;
  readonly running = computed(() => this.vms().filter(({ state }) => state === 'ready').length);
  readonly role = computed(() => {
    const state = this.state();
    return state.phase === 'open' ? state.rights.role : undefined;
  });
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
}
