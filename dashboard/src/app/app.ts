import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { Alerts } from './alerts';
import { Connection } from './connection';
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
  readonly #store = inject(VmStore);
  readonly alerts = inject(Alerts);
  readonly place = inject(Route).place;
  readonly role = inject(Rights).role;
  readonly address = location.host;
  readonly total = inject(EventStore).total;
  readonly connection = inject(Connection);
  readonly vms = computed(() => this.#store.rows().length);
  readonly counts = this.#store.counts;
  readonly trouble = computed(() => this.#store.open().length);

  acknowledgeAll(): void {
    this.#store.acknowledge(...this.#store.rows());
  }

  /** The link's own jump would change the place behind the `#`. */
  skip(event: Event): void {
    event.preventDefault();
    document.querySelector<HTMLElement>('main')?.focus();
  }
}
