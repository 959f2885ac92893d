import { computed, DestroyRef, inject, Injectable, signal } from '@angular/core';

/** What the page shows: all VMs, or one. Behind the `#` of the address, so that a reload and a bookmark lead back. */
export type Place = { readonly kind: 'list' } | { readonly kind: 'vm'; readonly name: string };

/** Where the page is, and the parameters that make a view of it a link: `#/?log.vm=web1`, `#/vm/web1`. */
@Injectable({ providedIn: 'root' })
export class Route {
  readonly #hash = signal(location.hash);
  readonly #parts = computed(() => {
    const [path = '', query = ''] = this.#hash().replace(/^#/, '').split('?', 2);
    return { path, query: new URLSearchParams(query) };
  });

  readonly place = computed<Place>(
    () => {
      const name = /^\/vm\/(.+)$/.exec(this.#parts().path)?.[1];
      return name === undefined ? { kind: 'list' } : { kind: 'vm', name: decoded(name) };
    },
    { equal: (a, b) => urlOf(a) === urlOf(b) },
  );
  readonly parameters = computed(() => this.#parts().query);

  constructor() {
    const follow = (): void => {
      this.#hash.set(location.hash);
    };
    addEventListener('hashchange', follow);
    inject(DestroyRef).onDestroy(() => {
      removeEventListener('hashchange', follow);
    });
  }

  go(place: Place): void {
    location.hash = urlOf(place);
  }

  /** Puts them into the address without a step in the browser's history. */
  keep(parameters: URLSearchParams): void {
    // Somebody goes elsewhere at this moment: that address must not be overwritten by one of the place that is left.
    if (location.hash !== this.#hash()) return;
    const query = parameters.toString();
    const { path } = this.#parts();
    const hash = `#${path || '/'}${query === '' ? '' : `?${query}`}`;
    if (hash === location.hash) return;
    history.replaceState(null, '', hash);
    this.#hash.set(hash);
  }
}

export function urlOf(place: Place): string {
  return place.kind === 'list' ? '#/' : `#/vm/${encodeURIComponent(place.name)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
