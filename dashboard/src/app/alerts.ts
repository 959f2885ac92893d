import { effect, inject, Injectable, signal, untracked } from '@angular/core';
import { Route, urlOf } from './route';
import { VmStore } from './vms/vm-store';

const NAME = 'rx-qmp';

/** Shows open trouble where it is seen from another tab or another window: in the title, the icon and, if wanted, a notice. */
@Injectable({ providedIn: 'root' })
export class Alerts {
  readonly #store = inject(VmStore);
  readonly #route = inject(Route);
  #told = new Set<string>();
  readonly #permission = signal('Notification' in globalThis ? Notification.permission : 'denied');

  /** What the browser lets this page do; `default` until the user was asked. */
  readonly permission = this.#permission.asReadonly();

  constructor() {
    effect(() => {
      const open = this.#store.open();
      const place = this.#route.place();
      const where = place.kind === 'vm' ? `${place.name} · ${NAME}` : NAME;
      document.title = open.length > 0 ? `(${open.length}) trouble · ${where}` : where;
      document.querySelector('link[rel="icon"]')?.setAttribute('href', iconOf(open.length > 0));
    });
    effect(() => {
      const open = this.#store.open();
      untracked(() => {
        const fresh = open.filter(({ key }) => !this.#told.has(key));
        this.#told = new Set(open.map(({ key }) => key));
        const [first] = fresh;
        if (!first || this.permission() !== 'granted' || !document.hidden) return;
        const others = fresh.length > 1 ? ` and ${fresh.length - 1} more` : '';
        const notice = new Notification(`${first.vm}: ${first.text}${others}`, { tag: NAME });
        notice.onclick = () => {
          focus();
          location.hash = urlOf({ kind: 'vm', name: first.vm });
        };
      });
    });
  }

  async ask(): Promise<void> {
    this.#permission.set(await Notification.requestPermission());
  }
}

function iconOf(trouble: boolean): string {
  const mark = trouble ? "<circle cx='11.5' cy='4.5' r='4.5' fill='#e5342b' stroke='#fff'/>" : '';
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='#2459d6'/><path d='M3 9h2.5l1.5-5 2.5 8 1.5-3h2' fill='none' stroke='#fff' stroke-width='1.6' stroke-linecap='round' stroke-linejoin='round'/>${mark}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
