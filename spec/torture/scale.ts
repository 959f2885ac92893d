import { writeSync } from 'node:fs';

/** Whether this is `npm run torture`. */
export const isLong: boolean = process.env['RX_QMP_TORTURE'] === 'long';

/** How often, or how much: a short form for each run of the tests, a long one for `npm run torture`. */
export function scale(short: number, atLength: number): number {
  return isLong ? atLength : short;
}

/** Milliseconds that a test may take. */
export const PATIENCE: number = scale(60_000, 900_000);

/** Where random tests begin: `RX_QMP_SEED` to repeat a run, else anywhere. */
export const SEED = Number(process.env['RX_QMP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Tells what was survived; past Jest, whose console adds a stack to each line. */
export function survived(what: string): void {
  writeSync(1, `survived: ${what}\n`);
}
