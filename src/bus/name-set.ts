import { show } from '../foundation/text.js';

/** Hears of each change to the names of a registered listener. */
export interface NameWatcher {
  added(name: string): void;
  removed(name: string): void;
}

/** The names a listener wants, as a Set that tells its bus when somebody changes it. Empty means every event. */
export class NameSet extends Set<string> {
  // Private, so that the set prints and compares as its names alone.
  #watcher: NameWatcher | undefined;
  /** The name, if there is just one: a listener usually wants one, and comparing costs less than looking it up. */
  #only: string | undefined;

  /** Replaces who is told of changes. */
  watchedBy(watcher: NameWatcher | undefined): void {
    this.#watcher = watcher;
  }

  wants(name: string): boolean {
    return this.size === 0 || name === this.#only || this.has(name);
  }

  override add(name: string): this {
    checkName(name);
    if (this.has(name)) return this;
    super.add(name);
    this.#only = this.size === 1 ? name : undefined;
    this.#watcher?.added(name);
    return this;
  }

  override delete(name: string): boolean {
    const deleted = super.delete(name);
    this.#only = this.size === 1 ? [...this][0] : undefined;
    if (deleted) this.#watcher?.removed(name);
    return deleted;
  }

  override clear(): void {
    for (const name of [...this]) this.delete(name);
  }
}

/**
 * The names as an array: a string is one name, `null` and `undefined` are none.
 *
 * @throws TypeError if they are anything but a string, an iterable of strings, null or undefined
 */
export function namesOf(names: unknown): string[] {
  if (names === null || names === undefined) return [];
  if (typeof names === 'string') return [names];
  if (typeof names !== 'object' || !(Symbol.iterator in names)) {
    throw new TypeError(`names must be a string, an iterable of strings, or null, not ${show(names)}`);
  }
  const list = [...(names as Iterable<unknown>)];
  list.forEach(checkName);
  return list as string[];
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') throw new TypeError(`names must hold strings, not ${show(name)}`);
}
