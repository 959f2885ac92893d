import { randomBytes } from 'node:crypto';
import { Ring } from '../../foundation/ring.js';

/** One event in the log. */
export interface LoggedEvent {
  readonly vm: string;
  readonly n: number;
  readonly k: number;
  /** Its line of `/events`, with the line end. */
  readonly line: Buffer;
}

interface Entry extends LoggedEvent {
  line: Buffer;
  dropped: boolean;
}

const NOTHING = Buffer.alloc(0);

/** What an entry costs besides its text, about. */
const ENTRY_BYTES = 100;

export interface EventLogOptions {
  /** Events kept of each VM. */
  readonly events: number;
  /** Bytes kept of all VMs together. */
  readonly bytes: number;
}

/** The latest events of all VMs, numbered. Of a VM that has too many, or of all if there is too much, the oldest go first. */
export class EventLog {
  /** A random word: after a restart of the hub the numbers begin again. */
  readonly epoch: string = randomBytes(9).toString('base64url');
  readonly #options: EventLogOptions;
  /** In order of `n`. Those that are dropped are taken out now and then, all at once. */
  #entries: Entry[] = [];
  readonly #byVm = new Map<string, Ring<Entry>>();
  #first = 0;
  #dropped = 0;
  #bytes = 0;
  #last = 0;

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  /** The number of the latest event, kept or not. */
  get last(): number {
    return this.#last;
  }

  /** @param text of the event, @param k counts the events of its VM */
  append(vm: string, k: number, text: string): void {
    const n = (this.#last += 1);
    const line = Buffer.from(`{"vm":${JSON.stringify(vm)},"n":${n},"k":${k},"event":${text}}\n`);
    const entry = { vm, n, k, line, dropped: false };
    let ring = this.#byVm.get(vm);
    if (!ring) this.#byVm.set(vm, (ring = new Ring(Infinity)));
    ring.push(entry);
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    if (ring.size > this.#options.events) this.#drop(ring.shift());
    while (this.#bytes > this.#options.bytes) this.#dropFirst();
  }

  /** Forgets what is kept of a VM. */
  forget(vm: string): void {
    const ring = this.#byVm.get(vm);
    this.#byVm.delete(vm);
    for (let entry = ring?.shift(); entry; entry = ring?.shift()) this.#drop(entry);
  }

  /**
   * What is kept with a number above `n`, oldest first, up to about so many bytes; `last` is the number up to which that is
   * all there is to see.
   */
  after(n: number, bytes: number, shows: (vm: string) => boolean): { lines: Buffer[]; last: number } {
    const lines: Buffer[] = [];
    let room = bytes;
    for (let place = this.#placeAfter(n); place < this.#entries.length; place += 1) {
      const entry = this.#entries[place] as Entry;
      if (entry.dropped || !shows(entry.vm)) continue;
      lines.push(entry.line);
      room -= entry.line.length;
      if (room <= 0) return { lines, last: entry.n };
    }
    return { lines, last: this.#last };
  }

  /** The number after which the latest `count` events come. */
  before(count: number, shows: (vm: string) => boolean): number {
    let left = count;
    for (let place = this.#entries.length - 1; place >= this.#first; place -= 1) {
      const entry = this.#entries[place] as Entry;
      if (entry.dropped || !shows(entry.vm)) continue;
      if (left === 0) return entry.n;
      left -= 1;
    }
    return 0;
  }

  /** The latest `limit` events of a VM with a number below `n`, oldest first. */
  of(vm: string, limit: number, n?: number): LoggedEvent[] {
    const kept =
      this.#byVm
        .get(vm)
        ?.toArray()
        .filter((entry) => n === undefined || entry.n < n) ?? [];
    return limit === 0 ? [] : kept.slice(-limit);
  }

  #placeAfter(n: number): number {
    let [low, high] = [this.#first, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as Entry).n > n) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #dropFirst(): void {
    while (this.#entries[this.#first]?.dropped) this.#first += 1;
    const oldest = this.#entries[this.#first];
    if (!oldest) return;
    // The oldest of all is the oldest of its VM.
    this.#byVm.get(oldest.vm)?.shift();
    this.#drop(oldest);
  }

  #drop(entry: Entry | undefined): void {
    if (!entry) return;
    entry.dropped = true;
    this.#bytes -= sizeOf(entry);
    entry.line = NOTHING;
    this.#dropped += 1;
    if (this.#dropped < 1_000 || this.#dropped * 2 < this.#entries.length) return;
    this.#entries = this.#entries.filter(({ dropped }) => !dropped);
    this.#first = 0;
    this.#dropped = 0;
  }
}

function sizeOf({ line }: Entry): number {
  return line.length + ENTRY_BYTES;
}
