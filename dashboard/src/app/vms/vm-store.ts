import { computed, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { injectQmpHub } from 'rx-qmp/angular';
import { Pulse } from '../pulse';
import { rowOf, type Look, type VmRow } from './vm-row';

export interface Count {
  readonly label: string;
  readonly look: Look;
  readonly count: number;
}

/** All VMs of the hub, and what the head of the page says of them. */
@Injectable({ providedIn: 'root' })
export class VmStore {
  readonly #hub = injectQmpHub();
  readonly #pulse = inject(Pulse);
  readonly #collator = new Intl.Collator(undefined, { numeric: true });
  readonly #acknowledged = signal<ReadonlySet<string>>(readAcknowledged());

  readonly #vms = computed(() => {
    this.#pulse.beat();
    return untracked(this.#hub.vms);
  });
  /** As of the last beat of the page. */
  readonly rows = computed<readonly VmRow[]>(() => this.#vms().map(rowOf));
  readonly byName = computed(() => new Map(this.rows().map((row) => [row.name, row])));
  readonly #names = computed(() => this.rows().map(({ name }) => name), { equal: sameItems });
  /** The place of each name, `web9` before `web10`. Comparing names costs too much to do at each change. */
  readonly rank = computed(
    () => new Map([...this.#names()].sort(this.#collator.compare).map((name, place) => [name, place])),
  );
  readonly names = computed(() => [...this.rank().keys()]);

  /** How many VMs are in each of QEMU's run states; most first. */
  readonly counts = computed<readonly Count[]>(() => {
    const counts = new Map<string, Count>();
    for (const { label, look } of this.rows()) {
      counts.set(label, { label, look, count: (counts.get(label)?.count ?? 0) + 1 });
    }
    return [...counts.values()].sort((a, b) => b.count - a.count || a.label.localeCompare(b.label));
  });
  /** The troubles that nobody has acknowledged. */
  readonly open = computed(() =>
    this.rows().flatMap(({ troubles }) => troubles.filter(({ key }) => !this.#acknowledged().has(key))),
  );

  constructor() {
    effect(() => {
      this.#hub.vms();
      this.#pulse.soon();
    });
    // A trouble that is over is forgotten, so that its next occurrence counts again.
    effect(() => {
      if (this.rows().length === 0) return;
      const present = new Set(this.rows().flatMap(({ troubles }) => troubles.map(({ key }) => key)));
      const acknowledged = untracked(this.#acknowledged);
      const kept = [...acknowledged].filter((key) => present.has(key));
      if (kept.length < acknowledged.size) this.#keep(kept);
    });
  }

  isOpen(row: VmRow): boolean {
    const acknowledged = this.#acknowledged();
    return row.troubles.some(({ key }) => !acknowledged.has(key));
  }

  /** Takes the VM's present troubles out of the count and from the top of the list, in this tab. */
  acknowledge(...rows: readonly VmRow[]): void {
    this.#keep([...this.#acknowledged(), ...rows.flatMap(({ troubles }) => troubles.map(({ key }) => key))]);
  }

  #keep(keys: readonly string[]): void {
    this.#acknowledged.set(new Set(keys));
    sessionStorage.setItem(KEY, JSON.stringify(keys));
  }
}

const KEY = 'rx-qmp-acknowledged';

function readAcknowledged(): ReadonlySet<string> {
  return new Set(JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as string[]);
}

function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, place) => item === b[place]);
}
