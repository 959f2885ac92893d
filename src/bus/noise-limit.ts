import type { Diagnostic, Suppressed } from './diagnostic.js';

interface Second {
  since: number;
  passed: number;
  suppressed: number;
}

/**
 * Of each kind of diagnostic that a server causes, passes on a number in a second, and counts the others; the next one that it
 * passes on is preceded by their count. It looks at the clock when asked; there is no timer.
 */
export class NoiseLimit {
  readonly #limit: number;
  readonly #pass: (diagnostic: Diagnostic) => void;
  readonly #seconds = new Map<Suppressed['of'], Second>();

  constructor(limit: number, pass: (diagnostic: Diagnostic) => void) {
    this.#limit = limit;
    this.#pass = pass;
  }

  report(diagnostic: Diagnostic): void {
    const { kind } = diagnostic;
    if (kind === 'listener-fault' || kind === 'policy-fault' || kind === 'suppressed') {
      this.#pass(diagnostic);
      return;
    }
    const now = performance.now();
    const second = this.#seconds.get(kind) ?? { since: now, passed: 0, suppressed: 0 };
    this.#seconds.set(kind, second);
    if (now - second.since >= 1_000) {
      second.since = now;
      second.passed = 0;
    }
    if (second.passed === this.#limit) {
      second.suppressed += 1;
      return;
    }
    second.passed += 1;
    this.#tellSuppressed(kind, second);
    this.#pass(diagnostic);
  }

  /** Tells how many were held back so far. */
  flush(): void {
    for (const [kind, second] of this.#seconds) this.#tellSuppressed(kind, second);
  }

  #tellSuppressed(of: Suppressed['of'], second: Second): void {
    const count = second.suppressed;
    if (count === 0) return;
    second.suppressed = 0;
    this.#pass({ kind: 'suppressed', message: `${count} more of the kind ${of} came and are not shown`, of, count });
  }
}
