/** What stands before the result, and after it, as QEMU writes a reply; it writes the id last. The ids of a client are numbers. */
const OPENING = /^\{"return": ?/;
const CLOSING = /, ?"id": ?(\d{1,15})\}$/;
/** No closing is longer. */
const CLOSING_LENGTH = 32;

/** A reply whose result has not been parsed. */
export interface ReplyText {
  readonly id: number;
  /** The result, as JSON. */
  readonly result: string;
}

/**
 * Cuts the result out of a reply, in a time that does not grow with it. Undefined for what does not look like QEMU's own replies.
 * Whether the result is JSON is for whoever reads it to find out.
 */
export function readReplyText(line: string): ReplyText | undefined {
  const opening = OPENING.exec(line)?.[0];
  const [closing, id] = CLOSING.exec(line.slice(-CLOSING_LENGTH)) ?? [];
  if (opening === undefined || closing === undefined) return undefined;
  return { id: Number(id), result: line.slice(opening.length, line.length - closing.length) };
}
