import { compareSessions, type Numbers } from './numbers.js';
import type { Moved } from './wire.js';

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

/** One count: of all events, or of those with one name. */
interface Count {
  last: number;
  /** What had been sent before the first that was heard; until a beat has told whether that was before the reader came. */
  before: number | undefined;
}

/** The key of the count of all events, for a reader of all of them. */
const ALL = '';

/** How far a reader is in the events of one VM. One who wants some names only goes by the count of each. */
export class Sequence {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #counts = new Map<string, Count>();
  #epoch = 0;
  #session = 0;
  /** Whether it is known where the session stood when the reader came: what was not counted then stood at 0. */
  #whole = false;

  /** @param names that are read, markers included; undefined for all */
  constructor(names?: Iterable<string>) {
    this.#names = names && new Set(names);
  }

  /** Where the session stands, as `hello` tells it. */
  start(at: Pick<Numbers, 'epoch' | 'session' | 'n'>, names: Readonly<Record<string, number>>): void {
    this.#enter(at, true);
    if (!this.#names) this.#counts.set(ALL, { last: at.n, before: undefined });
    else for (const [name, k] of Object.entries(names)) this.#counts.set(name, { last: k, before: undefined });
  }

  /** One more message. */
  take(name: string, numbers: Numbers): Step {
    const order = this.#epoch === 0 ? 0 : compareSessions(numbers, { epoch: this.#epoch, session: this.#session });
    if (order < 0) return OLD;
    if (this.#epoch === 0) this.#enter(numbers, false);
    if (order > 0) this.#enter(numbers, true);
    const key = this.#names ? name : ALL;
    const number = this.#names ? numbers.k : numbers.n;
    const count = this.#counts.get(key);
    const last = count?.last ?? (this.#whole ? 0 : number - 1);
    if (number <= last) return OLD;
    this.#counts.set(key, { last: number, before: count || this.#whole ? count?.before : last });
    if (order > 0) return SESSION;
    return number === last + 1 ? NEXT : { kind: 'hole', missed: number - last - 1 };
  }

  /** Goes on from a message that {@link take} calls old: what comes after it is what follows. */
  goBack(name: string, { n, k }: Numbers): void {
    this.#counts.set(this.#names ? name : ALL, { last: this.#names ? k : n, before: undefined });
  }

  /**
   * Where its agent says it is. What a beat counts was sent before the beat.
   *
   * @param there whether the reader has been there since the beat before: else what it has not heard the beginning of may have
   * been before its time
   * @returns how many of those did not come; 'session' where one has begun unheard, and nobody knows how the one before it ended;
   * 'forged' where it is behind what was read: its agent has not sent that
   */
  beat(epoch: number, [session, n, from, names]: Moved, there: boolean): number | 'session' | 'forged' {
    const known = this.#epoch !== 0;
    const order = known ? compareSessions({ epoch, session }, { epoch: this.#epoch, session: this.#session }) : 1;
    if (order < 0 || (order === 0 && this.#isAhead(n, names))) return 'forged';
    if (order > 0) this.#enter({ epoch, session }, known);
    const missed = this.#reachAll(n, from, names, there);
    return known && order > 0 ? 'session' : missed;
  }

  #reachAll(n: number, from: number, names: Moved[3], there: boolean): number {
    if (!this.#names) return this.#reach(ALL, n, there ? from : n);
    return Object.entries(names)
      .filter(([name]) => this.#names?.has(name))
      .reduce((sum, [name, [k, then]]) => sum + this.#reach(name, k, there ? then : k), 0);
  }

  /** Whether more was read than that. */
  #isAhead(n: number, names: Moved[3]): boolean {
    if (!this.#names) return (this.#counts.get(ALL)?.last ?? 0) > n;
    return Object.entries(names).some(([name, [k]]) => (this.#counts.get(name)?.last ?? 0) > k);
  }

  #reach(key: string, latest: number, then: number): number {
    const count = this.#counts.get(key);
    const last = count?.last ?? (this.#whole ? 0 : then);
    const before = Math.max(0, (count?.before ?? 0) - then);
    this.#counts.set(key, { last: Math.max(last, latest), before: undefined });
    return Math.max(0, latest - last) + before;
  }

  #enter({ epoch, session }: Pick<Numbers, 'epoch' | 'session'>, whole: boolean): void {
    this.#epoch = epoch;
    this.#session = session;
    this.#whole = whole;
    this.#counts.clear();
  }
}

const OLD: Step = { kind: 'old' };
const NEXT: Step = { kind: 'next' };
const SESSION: Step = { kind: 'session' };
