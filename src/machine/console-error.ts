import { QmpError } from '../protocol/errors.js';

/** What was waited for did not come over the console in time, or before the console ended. */
export class ConsoleError extends QmpError {
  override readonly name = 'ConsoleError';
  /** The latest output of the console, at most 1,000 characters. */
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}
