import type { NameTable, Registration } from './registration.js';

/** How many names without listeners are kept: deleting and adding keys again and again makes a large Map slow. */
const EMPTY_ROUTES = 1_000;

/**
 * Finds the registrations that want an event, in a time that depends on their number alone. Holds names that listeners asked for,
 * never names that a server made up.
 */
export class Routes implements NameTable {
  readonly #byName = new Map<string, Route>();
  readonly #everything = new Route();
  /** How many of the named routes lead to nobody. */
  #empty = 0;

  /** Lets events of one name, or of every name (`null`), find this registration. */
  add(name: string | null, registration: Registration): void {
    if (name === null) {
      this.#everything.add(registration);
      return;
    }
    const route = this.#byName.get(name) ?? this.#open(name);
    if (route.size === 0) this.#empty -= 1;
    route.add(registration);
  }

  remove(name: string | null, registration: Registration): void {
    if (name === null) {
      this.#everything.remove(registration);
      return;
    }
    const route = this.#byName.get(name);
    if (!route?.remove(registration) || route.size > 0) return;
    this.#empty += 1;
    if (this.#empty > EMPTY_ROUTES) this.#sweep();
  }

  /** The registrations that want an event of that name, in order. This array never changes. */
  lend(name: string): readonly Registration[] {
    const named = this.#byName.get(name);
    if (named === undefined || named.size === 0) return this.#everything.lend();
    return this.#everything.size === 0 ? named.lend() : merge(this.#everything.lend(), named.lend());
  }

  #open(name: string): Route {
    const route = new Route();
    this.#byName.set(name, route);
    this.#empty += 1;
    return route;
  }

  #sweep(): void {
    for (const [name, route] of this.#byName) if (route.size === 0) this.#byName.delete(name);
    this.#empty = 0;
  }
}

function merge(every: readonly Registration[], named: readonly Registration[]): Registration[] {
  const merged: Registration[] = [];
  let next = 0;
  for (const registration of every) {
    for (let other = named[next]; other && other.order < registration.order; other = named[++next]) merged.push(other);
    merged.push(registration);
  }
  return merged.concat(named.slice(next));
}

/** Registrations in order. Their list is copied before a change if it was lent, since a dispatch may still go through it. */
export class Route {
  #registrations: Registration[] = [];
  #lent = false;

  get size(): number {
    return this.#registrations.length;
  }

  /** The list of now, which never changes. */
  lend(): readonly Registration[] {
    this.#lent = true;
    return this.#registrations;
  }

  add(registration: Registration): void {
    const own = this.#own();
    own.splice(placeOf(own, registration.order), 0, registration);
  }

  /** True if it was there. */
  remove(registration: Registration): boolean {
    const place = placeOf(this.#registrations, registration.order);
    if (this.#registrations[place] !== registration) return false;
    this.#own().splice(place, 1);
    return true;
  }

  #own(): Registration[] {
    if (this.#lent) this.#registrations = this.#registrations.slice();
    this.#lent = false;
    return this.#registrations;
  }
}

/** The index of `order`, or the one where it belongs: a binary search. */
function placeOf(registrations: readonly Registration[], order: number): number {
  const last = registrations.at(-1);
  if (!last || last.order < order) return registrations.length;
  let from = 0;
  let to = registrations.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((registrations[middle] as Registration).order < order) from = middle + 1;
    else to = middle;
  }
  return from;
}
