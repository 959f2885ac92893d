import { computed, inject, Injectable, signal } from '@angular/core';
import { VmStore } from './vms/vm-store';

/** Which VMs the timeline shows: those chosen by hand, else those in sight in the list. */
@Injectable({ providedIn: 'root' })
export class Choice {
  readonly #store = inject(VmStore);
  readonly #chosen = signal<ReadonlySet<string>>(new Set());
  readonly #inSight = signal<readonly string[]>([], { equal: (a, b) => a.join('\n') === b.join('\n') });

  readonly chosen = computed(() => [...this.#chosen()].filter((name) => this.#store.byName().has(name)));
  readonly shown = computed(() => {
    const chosen = this.chosen();
    return chosen.length > 0 ? chosen : this.#inSight().filter((name) => this.#store.byName().has(name));
  });

  isChosen(name: string): boolean {
    return this.#chosen().has(name);
  }

  toggle(name: string): void {
    this.#chosen.update((names) => {
      const changed = new Set(names);
      if (!changed.delete(name)) changed.add(name);
      return changed;
    });
  }

  clear(): void {
    this.#chosen.set(new Set());
  }

  see(names: readonly string[]): void {
    this.#inSight.set(names);
  }
}
