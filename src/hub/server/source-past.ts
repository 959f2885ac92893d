import { lastValueFrom, takeUntil, timeout, toArray, Observable } from 'rxjs';
import { whenAborted } from '../../foundation/abort.js';
import { FairQueue, type Turn } from '../../gateway/fair-queue.js';
import type { OfferedVm } from '../../gateway/offered-vm.js';
import { lineOf, type SourceRange } from '../../gateway/vm-source.js';
import type { Visitor } from './visitor.js';

/** The epoch of positions in a source's history; the hub's own epochs are longer. */
export const SOURCE_EPOCH = 'source';
/** Events in one answer. */
const MOST = 10_000;
/** Milliseconds for a source to tell the next event. */
const PATIENCE = 10_000;

/** Reads what sources tell of the past of their VMs: a few answers at a time, the tokens in turn. */
export class SourcePast {
  readonly #queue = new FairQueue();
  readonly #turns = new WeakMap<Visitor, Turn>();

  /**
   * Lines of `/events`; `k` counts from 1 in each answer. Rejects with why the source does not tell it.
   *
   * @param who asks: all that one asks waits in one queue
   */
  lines(who: Visitor, vm: OfferedVm, range: SourceRange, signal: AbortSignal): Promise<Buffer[]> {
    let turn = this.#turns.get(who);
    if (!turn) this.#turns.set(who, (turn = this.#queue.join()));
    return turn.take(async () => {
      const limit = Math.min(range.limit, MOST);
      if (signal.aborted || limit === 0 || !vm.past) return [];
      const events = await lastValueFrom(
        vm.past({ ...range, limit }).pipe(timeout({ each: PATIENCE }), takeUntil(aborted(signal)), toArray()),
      );
      let k = 0;
      return events.slice(-limit).map((one) => {
        k += (one.missed ?? 0) + 1;
        return Buffer.from(
          `{"vm":${JSON.stringify(vm.name)},"n":${JSON.stringify(one.n)},"k":${k},"event":${lineOf(one)}}\n`,
        );
      });
    });
  }
}

function aborted(signal: AbortSignal): Observable<void> {
  return new Observable((subscriber) =>
    whenAborted(signal, () => {
      subscriber.next();
    }),
  );
}
