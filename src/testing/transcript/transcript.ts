import { isGreeting, type Message } from '../../protocol/message.js';
import type { Command } from '../../protocol/command.js';
import { qemuJson } from '../qemu-json.js';

/** One message of a recorded session, in either direction. */
export type TranscriptEntry = RecordedMessage &
  ({ readonly dir: 'in'; readonly msg: Message } | { readonly dir: 'out'; readonly msg: Command });

/** What every entry of a transcript has. */
export interface RecordedMessage {
  /** Milliseconds since the recording began. */
  readonly t: number;
  /** The text of the message, byte for byte as the server sent it. */
  readonly text: string;
}

/** A recorded session, or several one after the other, in the order of time. */
export type Transcript = readonly TranscriptEntry[];

/** The text of a message stands in its line as it is, so that nothing of it is lost. */
const LINE = /^\{"t": [\d.]+, "dir": "(?:in|out)", "msg": /;

export function lineOf(t: number, dir: TranscriptEntry['dir'], text: string): string {
  return `{"t": ${t}, "dir": "${dir}", "msg": ${text}}`;
}

/**
 * Reads what {@link record} wrote: its text, or its lines. Blank lines are skipped.
 *
 * @throws SyntaxError with the number of the first line that does not belong in a transcript
 */
export function readTranscript(source: string | Iterable<string>): Transcript {
  const lines = typeof source === 'string' ? source.split('\n') : [...source];
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [entryOf(line.trim(), index + 1)]));
}

/** Cut where a connection begins, that is, before each greeting but the first. */
export function sessionsOf(transcript: Transcript): Transcript[] {
  const sessions: TranscriptEntry[][] = [];
  for (const entry of transcript) {
    const last = sessions.at(-1);
    const greets = entry.dir === 'in' && isGreeting(entry.msg);
    if (last && !(greets && last.some(({ dir, msg }) => dir === 'in' && isGreeting(msg)))) last.push(entry);
    else sessions.push([entry]);
  }
  return sessions;
}

function entryOf(line: string, number: number): TranscriptEntry {
  const { t, dir, msg } = parse(line, number);
  if (typeof t !== 'number' || t < 0 || (dir !== 'in' && dir !== 'out') || typeof msg !== 'object' || msg === null) {
    throw new SyntaxError(`line ${number} of the transcript is not { t, dir: 'in' | 'out', msg }`);
  }
  const prefix = LINE.exec(line)?.[0];
  const text = prefix === undefined ? qemuJson(msg) : line.slice(prefix.length, -1);
  return { t, dir, msg, text } as TranscriptEntry;
}

function parse(line: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    throw new SyntaxError(`line ${number} of the transcript is not JSON`, { cause });
  }
}
