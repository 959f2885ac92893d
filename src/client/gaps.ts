import type { QmpError } from '../protocol/errors.js';
import type { Gap } from './state.js';

/** Notes when a session has ended, and tells of the gap once, when the next one begins. */
export class Gaps {
  readonly #tell: (gap: Gap) => void;
  #begun: Pick<Gap, 'since' | 'cause'> | undefined;

  constructor(tell: (gap: Gap) => void) {
    this.#tell = tell;
  }

  /** True from the end of a session until the gap is told. */
  get open(): boolean {
    return this.#begun !== undefined;
  }

  /** @param cause unless the session ended in good order */
  begin(cause?: QmpError): void {
    this.#begun = { since: new Date(), ...(cause && { cause }) };
  }

  /** @param session the number of the one that begins */
  end(session: number): void {
    if (!this.#begun) return;
    const begun = this.#begun;
    this.#begun = undefined;
    this.#tell({ ...begun, until: new Date(), session });
  }
}
