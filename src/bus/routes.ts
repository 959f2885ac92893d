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
  /** How many of the named routes lead to nobody. */
  #empty = 0;

  /** Files a listener under one name, or under every name (`null`). */
  add(name: string | null, listener: L): void {
    if (name === null) {
      this.#everything.add(listener);
      return;
    }
    const route = this.#byName.get(name) ?? this.#open(name);
    if (route.size === 0) this.#empty -= 1;
    route.add(listener);
  }

  remove(name: string | null, listener: L): void {
    if (name === null) {
      this.#everything.remove(listener);
      return;
    }
    const route = this.#byName.get(name);
    if (!route?.remove(listener) || route.size > 0) return;
    this.#empty += 1;
    if (this.#empty > EMPTY_ROUTES) this.#sweep();
  }

  /** Who wants an event of that name, in order, as they are now. */
  lend(name: string): readonly L[] {
    const named = this.#byName.get(name);
    if (named === undefined || named.size === 0) return this.#everything.lend();
    return this.#everything.size === 0 ? named.lend() : merge(this.#everything.lend(), named.lend());
  }

  #open(name: string): Route<L> {
    const route = new Route<L>();
    this.#byName.set(name, route);
    this.#empty += 1;
    return route;
  }

  #sweep(): void {
    for (const [name, route] of this.#byName) if (route.size === 0) this.#byName.delete(name);
    this.#empty = 0;
  }
}

function merge<L extends Routed>(every: readonly L[], named: readonly L[]): L[] {
  const merged: L[] = [];
  let next = 0;
  for (const listener of every) {
    for (let other = named[next]; other && other.order < listener.order; other = named[++next]) merged.push(other);
    merged.push(listener);
  }
  return merged.concat(named.slice(next));
}

/** Listeners in order. Copies its list before a change only if the list may still be in use. */
export class Route<L extends Routed> {
  #listeners: L[] = [];
  #lent = false;

  get size(): number {
    return this.#listeners.length;
  }

  /** The list as it is now; it will not change. */
  lend(): readonly L[] {
    this.#lent = true;
    return this.#listeners;
  }

  add(listener: L): void {
    const own = this.#own();
    own.splice(placeOf(own, listener.order), 0, listener);
  }

  /** True if it was there. */
  remove(listener: L): boolean {
    const place = placeOf(this.#listeners, listener.order);
    if (this.#listeners[place] !== listener) return false;
    this.#own().splice(place, 1);
    return true;
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
