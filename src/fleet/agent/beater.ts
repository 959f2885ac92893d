import type { Beat, Moved } from '../wire.js';
import type { VmFeed } from './vm-feed.js';

export interface BeaterHost {
  /** False if it was not sent. */
  publish(text: string): boolean;
  epoch(): number;
  /** Connections lost so far. */
  lost(): number;
  /** The VMs that have moved since a beat told of them. */
  moved(): Iterable<VmFeed>;
  /** A beat has told how far it is. */
  told(feed: VmFeed): void;
  /** Every beat, sent or not. */
  tick(): void;
  /** Of one message. */
  maxBytes(): number;
}

/**
 * Says that the agent lives, and how far its VMs are. Beats are numbered by time, so that a command's age needs no common clock.
 */
export class Beater {
  readonly #host: BeaterHost;
  readonly #every: number;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;
  #published = 0;

  constructor(host: BeaterHost, every: number) {
    this.#host = host;
    this.#every = every;
    this.#timer = setInterval(() => {
      host.tick();
      this.beat();
    }, every);
  }

  get every(): number {
    return this.#every;
  }

  /** The number that a beat would have now; also where none could be sent, or the process stood still. */
  get now(): number {
    return Math.floor((performance.now() - this.#start) / this.#every) + 1;
  }

  /** The number of the last beat that was sent. */
  get published(): number {
    return this.#published;
  }

  /** Counts as heard up to now: a new epoch has begun, and nobody has heard anything of it. */
  claim(): void {
    this.#published = Math.max(this.#published, this.now - 1);
  }

  beat(last?: 'last'): void {
    const beat = last ? this.#published + 1 : this.now;
    if (beat <= this.#published) return;
    const moved: [vm: string, Moved][] = [];
    const told: VmFeed[] = [];
    let bytes = 200;
    for (const feed of this.#host.moved()) {
      const of = feed.counter.moved;
      bytes += JSON.stringify(of ?? null).length * 3 + feed.vm.name.length + 8;
      // The rest is told by the next.
      if (bytes > this.#host.maxBytes()) break;
      if (of) moved.push([feed.vm.name, of]);
      told.push(feed);
    }
    const text = {
      ...{
        epoch: this.#host.epoch(),
        beat,
        after: this.#published,
        every: this.#every,
        lost: this.#host.lost(),
        moved: Object.fromEntries(moved),
      },
      ...(last && { stopped: true as const }),
    } satisfies Beat;
    if (!this.#host.publish(JSON.stringify(text))) return;
    this.#published = beat;
    for (const feed of told) {
      feed.counter.reported();
      this.#host.told(feed);
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
