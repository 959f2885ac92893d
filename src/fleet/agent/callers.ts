import type { VmCaller } from '../../gateway/vm.js';
import type { VmFeed } from './vm-feed.js';

/** Of the arguments of commands without an answer, for each caller; four times as much for all. */
const ARGUMENT_BYTES = 16 * 1024 * 1024;

export interface CallerLimits {
  readonly commandsPerCaller: number;
  readonly commands: number;
}

/** What has no answer yet. */
interface Unanswered {
  commands: number;
  bytes: number;
}

/** One who asks, and the VMs on which a command of it has no answer yet. */
interface Caller extends Unanswered {
  readonly joined: Map<VmFeed, { readonly caller: VmCaller; commands: number }>;
}

/** A place among the commands without an answer. */
export interface Place {
  readonly caller: VmCaller;
  leave(): void;
}

/** Who asks, by inbox: each has a bound of its own, and a turn of its own at each VM. */
export class Callers {
  readonly #limits: CallerLimits;
  readonly #callers = new Map<string, Caller>();
  readonly #all: Unanswered = { commands: 0, bytes: 0 };

  constructor(limits: CallerLimits) {
    this.#limits = limits;
  }

  /** Commands without an answer, of all. */
  get unanswered(): number {
    return this.#all.commands;
  }

  /**
   * Undefined where too many are unanswered already.
   *
   * @param bytes of the arguments
   */
  enter(inbox: string, feed: VmFeed, bytes: number): Place | undefined {
    const caller: Caller = this.#callers.get(inbox) ?? { joined: new Map(), commands: 0, bytes: 0 };
    const { commandsPerCaller, commands } = this.#limits;
    if (caller.commands >= commandsPerCaller || this.#all.commands >= commands) return undefined;
    if (caller.bytes + bytes > ARGUMENT_BYTES || this.#all.bytes + bytes > 4 * ARGUMENT_BYTES) return undefined;
    const joined = caller.joined.get(feed) ?? { caller: feed.vm.join(), commands: 0 };
    this.#callers.set(inbox, caller);
    caller.joined.set(feed, joined);
    const count = (one: number): void => {
      for (const counted of [caller, joined, this.#all]) counted.commands += one;
      for (const counted of [caller, this.#all]) counted.bytes += one * bytes;
    };
    count(1);
    return {
      caller: joined.caller,
      leave: () => {
        count(-1);
        if (joined.commands === 0) {
          joined.caller.leave();
          caller.joined.delete(feed);
        }
        if (caller.commands === 0) this.#callers.delete(inbox);
      },
    };
  }
}
