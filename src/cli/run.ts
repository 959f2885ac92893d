import { CommanderError, InvalidArgumentError } from 'commander';
import { Interrupted, noticeLostReaders } from './interrupt.js';
import { missingPackage } from './missing-package.js';
import { program } from './program.js';
import { Refused } from './refused.js';
import { note, printable } from './terminal.js';
import { UsageError } from './usage-error.js';

const FAILED = 1;
const USAGE = 2;

/** Runs a command line to its end; resolves with the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  noticeLostReaders();
  try {
    await (await program(words)).parseAsync(words, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return tell(error);
  }
}

/** Says what went wrong, on stderr. */
function tell(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  const message = missingPackage(error) ?? (error instanceof Error ? error.message : String(error));
  if (error instanceof UsageError || error instanceof InvalidArgumentError) {
    note(printable(`rx-qmp: ${message}`));
    return USAGE;
  }
  // Commander has printed it already, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  note(printable(error instanceof Refused ? message : `rx-qmp: ${message}`));
  return FAILED;
}
