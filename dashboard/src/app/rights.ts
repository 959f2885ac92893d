import { computed, Injectable } from '@angular/core';
import { injectQmpHub } from 'rx-qmp/angular';

/** What the token of this page may do. The hub refuses the rest whatever the page shows. */
@Injectable({ providedIn: 'root' })
export class Rights {
  readonly #hub = injectQmpHub();
  readonly rights = computed(() => {
    const state = this.#hub.state();
    return state.phase === 'open' ? state.rights : undefined;
  });
  readonly role = computed(() => this.rights()?.role);
  readonly isOperator = computed(() => this.role() === 'operator');

  may(command: string): boolean {
    const rights = this.rights();
    return rights !== undefined && (command.startsWith('query-') || rights.allow.includes(command));
  }

  /** Whether the screens of VMs are shown to this token. */
  readonly screen = computed(() => this.rights()?.screen ?? false);
}
