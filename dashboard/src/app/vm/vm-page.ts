import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { injectQmpHub } from 'rx-qmp/angular';
import { Clock } from '../clock';
import { duration } from '../format';
import { EventLog } from '../log/event-log';
import { Rights } from '../rights';
import { Timeline } from '../timeline/timeline';
import { VmStore } from '../vms/vm-store';
import { Audit } from './audit';
import { BlockDevices } from './block-devices';
import { CommandBox } from './command-box';
import { Jobs } from './jobs';
import { Memory } from './memory';
import { RunControls } from './run-controls';
import { Screen } from './screen';

/** One VM: what it does, what it has, who did what to it, and the buttons that change it. */
@Component({
  selector: 'app-vm-page',
  imports: [Audit, BlockDevices, CommandBox, EventLog, Jobs, Memory, RunControls, Screen, Timeline],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './vm-page.html',
  styleUrl: './vm-page.css',
})
export class VmPage {
  readonly name = input.required<string>();
  readonly #hub = injectQmpHub();
  readonly #clock = inject(Clock);
  readonly #store = inject(VmStore);
  readonly rights = inject(Rights);

  readonly row = computed(() => this.#store.byName().get(this.name()));
  /** Its own connection to the hub, closed with this page. */
  readonly client = computed(() => this.#hub.client(this.name()));
  readonly since = computed(() => duration(this.#clock.now() - (this.row()?.since ?? 0)));
  readonly isOpen = computed(() => {
    const row = this.row();
    return row !== undefined && this.#store.isOpen(row);
  });

  acknowledge(): void {
    const row = this.row();
    if (row) this.#store.acknowledge(row);
  }
}
