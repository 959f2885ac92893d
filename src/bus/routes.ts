/** What the table needs to know of a listener. */
export interface Routed {
  /** Place in the order of dispatch; no two are the same. */
  readonly order: number;
}

/** How many names without listeners are kept: a Map pays dearly for keys that come and go. */
const EMPTY_ROUTES = 1_000;

/**
 * Finds who wants an event in time that grows with those who do. Holds the names that listeners asked for, never those that a
 * server made up.
 */
export class Routes<L extends Routed> {
  readonly #byName = new Map<string, Route<L>>();
  readonly #everything = new Route<L>();

  /** Files a listener under one name, or under every name (`null`). */
  add(name: string | null, listener: L): void {
    const route = name === null ? this.#everything : (this.#byName.get(name) ?? this.#open(name));
    route.add(listener);
  }

  remove(name: string | null, listener: L): void {
    const route = name === null ? this.#everything : this.#byName.get(name);
    route?.remove(listener);
  }

  /** Calls `serve` for each listener of that name, in order, as they were when the call began. */
  forEach(name: string, serve: (listener: L) => void): void {
    const every = this.#everything.lend();
    const named = this.#byName.get(name)?.lend() ?? NOBODY;
    let next = 0;
    for (const listener of every) {
      for (let other = named[next]; other && other.order < listener.order; other = named[++next]) serve(other as L);
      serve(listener);
    }
    for (; next < named.length; next += 1) serve(named[next] as L);
  }

  #open(name: string): Route<L> {
    if (this.#byName.size >= EMPTY_ROUTES) this.#sweep();
    const route = new Route<L>();
    this.#byName.set(name, route);
    return route;
  }

  #sweep(): void {
    for (const [name, route] of this.#byName) if (route.lend().length === 0) this.#byName.delete(name);
  }
}

const NOBODY: readonly Routed[] = [];

/** Listeners in order. Copies its list before a change only if the list may still be in use. */
export class Route<L extends Routed> {
  #listeners: L[] = [];
  #lent = false;

  /** The list as it is now; it will not change. */
  lend(): readonly L[] {
    this.#lent = true;
    return this.#listeners;
  }

  add(listener: L): void {
    const own = this.#own();
    own.splice(placeOf(own, listener.order), 0, listener);
  }

  remove(listener: L): void {
    const own = this.#own();
    const place = placeOf(own, listener.order);
    if (own[place] === listener) own.splice(place, 1);
  }

  #own(): L[] {
    if (this.#lent) this.#listeners = this.#listeners.slice();
    this.#lent = false;
    return this.#listeners;
  }
}

/** Where `order` is, or would go, by halving. */
function placeOf(listeners: readonly Routed[], order: number): number {
  const last = listeners.at(-1);
  if (!last || last.order < order) return listeners.length;
  let from = 0;
  let to = listeners.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((listeners[middle] as Routed).order < order) from = middle + 1;
    else to = middle;
  }
  return from;
}
