import type { VmCaller } from '../../gateway/vm.js';
import type { VmFeed } from './vm-feed.js';

export interface CallerLimits {
  readonly commandsPerCaller: number;
  readonly commands: number;
}

/** One who asks, and the VMs on which a command of it has no answer yet. */
interface Caller {
  readonly joined: Map<VmFeed, { readonly caller: VmCaller; unanswered: number }>;
  unanswered: number;
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
  #unanswered = 0;

  constructor(limits: CallerLimits) {
    this.#limits = limits;
  }

  /** Commands without an answer, of all. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Undefined where too many are unanswered already. */
  enter(inbox: string, feed: VmFeed): Place | undefined {
    const caller: Caller = this.#callers.get(inbox) ?? { joined: new Map(), unanswered: 0 };
    if (caller.unanswered >= this.#limits.commandsPerCaller || this.#unanswered >= this.#limits.commands) {
      return undefined;
    }
    const joined = caller.joined.get(feed) ?? { caller: feed.vm.join(), unanswered: 0 };
    this.#callers.set(inbox, caller);
    caller.joined.set(feed, joined);
    caller.unanswered += 1;
    joined.unanswered += 1;
    this.#unanswered += 1;
    return {
      caller: joined.caller,
      leave: () => {
        caller.unanswered -= 1;
        joined.unanswered -= 1;
        this.#unanswered -= 1;
        if (joined.unanswered === 0) {
          joined.caller.leave();
          caller.joined.delete(feed);
        }
        if (caller.unanswered === 0) this.#callers.delete(inbox);
      },
    };
  }
}
