import type { RefusalKind } from '../hub/server/admission.js';

/** Why a client was cut off. */
export type CutOff = 'slow' | 'flood' | 'bad-json' | 'too-large' | 'protocol' | 'half-open';

/** Why a request was refused. */
export type RefusalCause = RefusalKind | 'not-found' | 'not-running' | 'full' | 'bad-request';

/** What the hub counts of itself, from its start. */
export class Counters {
  readonly refusals: Map<RefusalCause, number> = new Map();
  readonly cutOffs: Map<CutOff, number> = new Map();

  refused(cause: RefusalCause): void {
    this.refusals.set(cause, (this.refusals.get(cause) ?? 0) + 1);
  }

  cutOff(cause: CutOff): void {
    this.cutOffs.set(cause, (this.cutOffs.get(cause) ?? 0) + 1);
  }
}
