import { isErrorReply, isSuccessReply } from '../../protocol/message.js';
import { nameOf, type Command } from '../../protocol/command.js';
import { deepEqual } from '../marbles/deep-equal.js';
import { qemuJson } from '../qemu-json.js';
import type { Transcript, TranscriptEntry } from './transcript.js';

/** A reply of the recording, and for whom it is. */
interface Slot {
  readonly entry: TranscriptEntry;
  claimedBy: Command | undefined;
  passed: boolean;
}

/** The replies of a recorded session, given to those who send the same commands again. */
export class RecordedReplies {
  readonly #byCommand = new Map<string, Slot[]>();
  readonly #byEntry = new Map<TranscriptEntry, Slot>();

  constructor(session: Transcript) {
    const unanswered: Command[] = [];
    for (const entry of session) {
      if (entry.dir === 'out') unanswered.push(entry.msg);
      else if (isReply(entry.msg)) this.#add(entry, unanswered);
    }
  }

  /** For a command that has come: what to say at once, if anything. */
  claim(command: Command): string | undefined {
    const name = nameOf(command);
    const slot = this.#byCommand.get(name)?.find(({ claimedBy }) => !claimedBy);
    const id = 'id' in command ? { id: command.id } : {};
    if (slot) {
      slot.claimedBy = command;
      return slot.passed ? textFor(slot, command) : undefined;
    }
    // A recording that began later has no such reply.
    if (name === 'qmp_capabilities') return qemuJson({ return: {}, ...id });
    const desc = `this is a recording: it holds no further answer to ${name}`;
    return qemuJson({ ...id, error: { class: 'GenericError', desc } });
  }

  /** For what the server said at this place: its text, unless it is a reply that nobody waits for yet. */
  reach(entry: TranscriptEntry): string | undefined {
    if (!isReply(entry.msg)) return entry.text;
    const slot = this.#byEntry.get(entry);
    if (!slot) return undefined;
    slot.passed = true;
    return slot.claimedBy && textFor(slot, slot.claimedBy);
  }

  #add(entry: TranscriptEntry, unanswered: Command[]): void {
    const { id } = entry.msg as Command;
    const place = unanswered.findIndex((command) => deepEqual(command.id, id));
    const [command] = place < 0 ? [] : unanswered.splice(place, 1);
    if (!command) return;
    const slot = { entry, claimedBy: undefined, passed: false };
    this.#byEntry.set(entry, slot);
    const name = nameOf(command);
    const slots = this.#byCommand.get(name) ?? [];
    slots.push(slot);
    this.#byCommand.set(name, slots);
  }
}

function textFor({ entry }: Slot, command: Command): string {
  const { id, ...rest } = entry.msg as Command;
  if (deepEqual(id, command.id)) return entry.text;
  return qemuJson({ ...rest, ...('id' in command && { id: command.id }) });
}

function isReply(message: object): boolean {
  return isSuccessReply(message) || isErrorReply(message);
}
