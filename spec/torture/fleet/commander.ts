import { ExecInterruptedError, ExecuteError, StateError, type QmpClient } from 'rx-qmp';
import { now } from './reader-judge.js';

interface Sent {
  readonly tag: string;
  readonly at: number;
  outcome: 'done' | 'refused' | 'interrupted' | 'pending';
  toldAt: number;
}

export interface CommandVerdict {
  sent: number;
  done: number;
  refused: number;
  interrupted: number;
  pending: number;
  /** Promises that settled otherwise than what happened says, and commands that ran twice. */
  wrong: number;
  /** Of those whose caller was told that they are lost: that ran afterwards; milliseconds from their sending, at most. */
  ranAfterwards: number;
  longest: number;
}

/** Sends commands with a tag to many VMs, and notes what became of each. */
export class Commander {
  readonly #sent = new Map<string, Sent>();
  readonly #timer: NodeJS.Timeout;
  #last = 0;

  constructor(clients: readonly QmpClient[], every: number) {
    this.#timer = setInterval(() => {
      for (const client of clients) if (client.greeting) void this.#send(client);
    }, every);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** @param ran by the VMs, each with when */
  judge(ran: readonly (readonly [tag: string, at: number])[]): CommandVerdict {
    const sent = [...this.#sent.values()];
    const count = (outcome: Sent['outcome']): number => sent.filter((one) => one.outcome === outcome).length;
    const times = new Map<string, number[]>();
    for (const [tag, at] of ran) times.set(tag, [...(times.get(tag) ?? []), at]);
    const runsOf = ({ tag }: Sent): number[] => times.get(tag) ?? [];
    const wrong = sent.filter((one) => {
      const runs = runsOf(one).length;
      return runs > 1 || (one.outcome === 'done' && runs !== 1) || (one.outcome === 'refused' && runs > 0);
    });
    const late = sent.flatMap((one) =>
      runsOf(one)
        .filter((at) => one.outcome === 'interrupted' && at > one.toldAt)
        .map((at) => at - one.at),
    );
    return {
      ...{ sent: sent.length, done: count('done'), refused: count('refused'), interrupted: count('interrupted') },
      ...{ pending: count('pending'), wrong: wrong.length, ranAfterwards: late.length, longest: Math.max(0, ...late) },
    };
  }

  async #send(client: QmpClient): Promise<void> {
    const one: Sent = { tag: String((this.#last += 1)), at: now(), outcome: 'pending', toldAt: Infinity };
    this.#sent.set(one.tag, one);
    try {
      await client.execute('human-monitor-command', { 'command-line': one.tag });
      one.outcome = 'done';
    } catch (error) {
      if (error instanceof ExecInterruptedError) one.outcome = 'interrupted';
      else if (error instanceof ExecuteError) one.outcome = 'refused';
      else if (error instanceof StateError) this.#sent.delete(one.tag);
      else throw error;
    }
    one.toldAt = now();
  }
}
