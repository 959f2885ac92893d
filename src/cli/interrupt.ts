import { constants } from 'node:os';
import { note } from './terminal.js';

/** Why the signal of {@link interruptSignal} aborts: Ctrl-C, a signal of the system's, or nobody reads the output any more. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** As a shell would have it: 128 and the signal's number; 0 where the reader has gone, as in `| head`. */
  readonly exitCode: number;

  constructor(signal?: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(signal ? `interrupted by ${signal}` : 'nobody reads the output');
    this.exitCode = signal ? 128 + constants.signals[signal] : 0;
  }
}

const interrupt = new AbortController();
let listening = false;

/**
 * Aborts, with {@link Interrupted}, on the first Ctrl-C, SIGTERM or SIGHUP, and when whoever reads the output has gone (`| head`).
 * Those of `signals` count that the first caller names. The second Ctrl-C ends the process at once, as it does where nobody has asked for this signal.
 */
export function interruptSignal(
  signals: readonly ('SIGINT' | 'SIGTERM' | 'SIGHUP')[] = ['SIGINT', 'SIGTERM', 'SIGHUP'],
): AbortSignal {
  if (!listening) {
    listening = true;
    for (const signal of signals) {
      process.once(signal, () => {
        interrupt.abort(new Interrupted(signal));
      });
    }
  }
  return interrupt.signal;
}

/** Lets `| head` end a command quietly; another error of the output is told once, and fails it. */
export function noticeLostReaders(): void {
  const lost = (error: NodeJS.ErrnoException): void => {
    if (interrupt.signal.aborted) return;
    interrupt.abort(new Interrupted());
    if (error.code === 'EPIPE') return;
    note(`rx-qmp: the output cannot be written: ${error.message}`);
    process.exitCode = 1;
  };
  process.stdout.on('error', lost);
  process.stderr.on('error', lost);
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
