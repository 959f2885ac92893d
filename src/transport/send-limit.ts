/** Twice the largest command that QEMU takes, so that a large one behind others does not end the session. */
const UNSENT_LIMIT = 128 * 1024 * 1024;

/** Why a connection with so many unsent bytes must end: the other end does not read. Undefined as long as there are few. */
export function stoppedReading(unsent: number): Error | undefined {
  if (unsent <= UNSENT_LIMIT) return undefined;
  return new Error(`the other end has stopped reading: ${unsent} bytes are unsent (the limit is ${UNSENT_LIMIT})`);
}
