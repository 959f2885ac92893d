import { QmpError } from '../protocol/errors.js';

/** What was waited for did not come over the console: in time, or before it ended. */
export class ConsoleError extends QmpError {
  override readonly name = 'ConsoleError';
  /** The last that came, at most 1,000 characters. */
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}
