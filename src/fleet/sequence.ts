import { compareSessions, type Numbers } from './numbers.js';

/** What one more message means for a reader. */
export type Step =
  /** The next one. */
  | { readonly kind: 'next' }
  /** After `missed` others that did not come. */
  | { readonly kind: 'hole'; readonly missed: number }
  /** The first of a session that begins. */
  | { readonly kind: 'session' }
  /** Seen before, or of a session that is over. */
  | { readonly kind: 'old' };

/** How far a reader is in the events of one VM. One who wants some names only goes by the count of each. */
export class Sequence {
  readonly #filtered: boolean;
  readonly #names = new Map<string, number>();
  #epoch = 0;
  #session = 0;
  #last = 0;

  /** @param filtered whether it is handed the events of some names only */
  constructor(filtered: boolean) {
    this.#filtered = filtered;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get session(): number {
    return this.#session;
  }

  /** Where it stands, as `hello` and beats tell it. */
  start(at: Pick<Numbers, 'epoch' | 'session' | 'n'>, names: Readonly<Record<string, number>>): void {
    this.#epoch = at.epoch;
    this.#session = at.session;
    this.#last = at.n;
    this.#names.clear();
    for (const [name, k] of Object.entries(names)) this.#names.set(name, k);
  }

  /** One more message. What is not old counts as read. */
  take(name: string, numbers: Numbers): Step {
    const order = compareSessions(numbers, { epoch: this.#epoch, session: this.#session });
    if (order < 0) return OLD;
    if (order > 0) {
      this.start({ ...numbers, n: 0 }, {});
      this.#read(name, numbers);
      return SESSION;
    }
    const missed = this.#filtered ? numbers.k - this.of(name) - 1 : numbers.n - this.#last - 1;
    if (missed < 0) return OLD;
    this.#read(name, numbers);
    return missed === 0 ? NEXT : { kind: 'hole', missed };
  }

  /** The latest number read: of this name where it reads some names only. */
  of(name: string): number {
    return this.#filtered ? (this.#names.get(name) ?? 0) : this.#last;
  }

  #read(name: string, { n, k }: Numbers): void {
    this.#last = n;
    if (this.#filtered) this.#names.set(name, k);
  }
}

const OLD: Step = { kind: 'old' };
const NEXT: Step = { kind: 'next' };
const SESSION: Step = { kind: 'session' };
