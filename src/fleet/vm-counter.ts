import type { Numbers } from './numbers.js';
import type { Moved } from './wire.js';

/** Names of one session that are counted. QEMU has about sixty; a server that makes them up is not followed for ever. */
const NAMES = 1_000;

/** Counts the events and markers of one VM. */
export class VmCounter {
  #session = 0;
  #n = 0;
  readonly #names = new Map<string, number>();
  /** What has moved since the last beat, with where it was then. */
  #from: { n: number; names: Map<string, number> } | undefined;

  get session(): number {
    return this.#session;
  }

  get n(): number {
    return this.#n;
  }

  /** The latest k of each name. */
  get names(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#names);
  }

  begin(): void {
    this.#session += 1;
    this.#n = 0;
    this.#names.clear();
    this.#from = undefined;
  }

  /** The numbers of one more; undefined, and a hole in n, for one of too many names. */
  next(name: string, epoch: number): Numbers | undefined {
    const before = this.#names.get(name);
    this.#from ??= { n: this.#n, names: new Map() };
    this.#n += 1;
    if (before === undefined && this.#names.size >= NAMES) return undefined;
    if (!this.#from.names.has(name)) this.#from.names.set(name, before ?? 0);
    const k = (before ?? 0) + 1;
    this.#names.set(name, k);
    return { epoch, session: this.#session, n: this.#n, k };
  }

  /** What has moved since this was {@link reported} last. */
  get moved(): Moved | undefined {
    if (!this.#from) return undefined;
    const names = [...this.#from.names].map(([name, from]) => [name, [this.#names.get(name) ?? 0, from]] as const);
    return [this.#session, this.#n, this.#from.n, Object.fromEntries(names)];
  }

  reported(): void {
    this.#from = undefined;
  }
}
