import { QmpError } from '../protocol/errors.js';

/** How a process ended, and what it wrote to stderr. */
export interface ProcessEnd {
  /** The exit code; null if a signal ended it, or if it never ran. */
  readonly code: number | null;
  /** The signal that ended it, else null. */
  readonly signal: NodeJS.Signals | null;
  /** The latest 64 KiB of what it wrote to stderr. */
  readonly stderr: string;
}

/** QEMU could not be started, or ended before its monitor took commands. The message has QEMU's own words. */
export class LaunchError extends QmpError implements ProcessEnd {
  override readonly name = 'LaunchError';
  /** The exit code; null if a signal ended QEMU, or if it never ran. */
  readonly code: number | null;
  /** The signal that ended QEMU, else null. */
  readonly signal: NodeJS.Signals | null;
  /** The latest 64 KiB of what QEMU wrote to stderr. */
  readonly stderr: string;

  constructor(message: string, { code, signal, stderr }: ProcessEnd, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.signal = signal;
    this.stderr = stderr;
  }
}

/** What to do about the reasons that keep a process from starting. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ENOENT$|No such file or directory$/, 'there is no such program; is QEMU installed, and on PATH?'],
  [/EACCES$|Permission denied$/, 'that file cannot be executed'],
];

/** The error for a process that did not start, or ended before it was ready. */
export function launchError(binary: string, end: ProcessEnd, cause?: unknown): LaunchError {
  const { code, signal, stderr } = end;
  // setpriv, which starts it, says so in its own name; its exit codes for it are those of a shell.
  const notStarted = (code === null && signal === null) || stderr.startsWith(`setpriv: failed to execute ${binary}: `);
  if (notStarted) {
    const [, advice] = ADVICE.find(([pattern]) => pattern.test(stderr)) ?? [];
    const reason = advice === undefined ? stderr : `${advice} (${stderr})`;
    return new LaunchError(`cannot start ${binary}: ${reason}`, end, { cause });
  }
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const said = stderr === '' ? 'it said nothing' : stderr;
  return new LaunchError(`${binary} ended ${how} before its monitor took commands: ${said}`, end, { cause });
}
