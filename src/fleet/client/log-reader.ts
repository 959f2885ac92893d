import type { JsMsg } from '@nats-io/jetstream';
import { isEvent, type QmpEvent } from '../../protocol/message.js';
import { headersOf } from '../listen.js';
import { compareSessions, ID_HEADER, readNumbers, type Numbers } from '../numbers.js';
import { Sequence } from '../sequence.js';
import { DOWN, readEventSubject, UP } from '../subjects.js';
import { readObject } from '../wire.js';
import type { FleetEvent, FleetGap, Where } from './fleet-types.js';
import { namesOf } from './where.js';

/** Sessions of one VM that are over and may still be added to, by an agent that was cut off. */
const OLDER = 16;

/** How far the reader is with one session of a VM. */
interface Session {
  readonly sequence: Sequence;
  /** What was read last, with its number. */
  last: string;
}

/** How far the reader is with one VM. */
interface Progress {
  /** By `epoch.session`; the latest one is `current`. */
  readonly sessions: Map<string, Session>;
  current: Numbers;
  at: Date;
}

/**
 * Makes events and gaps of the messages of the log, read in its order. An agent writes the numbers of a session in their order,
 * and one message twice at most, with nothing in between. Whatever else is there was written by somebody else; which of the two
 * is the agent's nobody can tell, so all of it is handed out, and told.
 */
export class LogReader {
  readonly #names: readonly string[] | undefined;
  readonly #progress = new Map<string, Progress>();

  constructor(where: Where) {
    this.#names = namesOf(where);
  }

  /** What one more message tells: nothing where it is a marker, was there before, or is not an event of ours. */
  *read(message: JsMsg): Generator<FleetEvent | FleetGap> {
    const subject = readEventSubject('log', message.subject);
    const numbers = subject && readNumbers(subject, headersOf(message)?.get(ID_HEADER));
    if (!numbers) return;
    const vm = `${subject.host}/${subject.vm}`;
    const { time: at } = message;
    const text = message.string();
    const known = this.#progress.get(vm);
    const progress = known ?? { sessions: new Map<string, Session>(), current: numbers, at };
    this.#progress.set(vm, progress);
    const order = compareSessions(numbers, progress.current);
    const key = `${numbers.epoch}.${numbers.session}`;
    const begun = progress.sessions.get(key);
    const session = begun ?? { sequence: new Sequence(this.#names), last: '' };
    // The first of a session that was seen to begin has the number 1.
    if (known && order > 0) session.sequence.start({ ...numbers, n: 0 }, {});
    this.#keep(progress, key, session);
    const step = session.sequence.take(subject.name, numbers);
    const whole = `${numbers.n} ${subject.name} ${text}`;
    if (step.kind === 'old' && whole === session.last) return;
    session.last = whole;
    if (step.kind === 'old') session.sequence.goBack(subject.name, numbers);
    const since = progress.at;
    if (order >= 0) Object.assign(progress, { current: numbers, at });
    if (known && !begun) yield { vm, since, until: at, cause: order > 0 ? BEGUN : LATE };
    else if (step.kind === 'old') yield { vm, since, until: at, cause: FOREIGN };
    else if (step.kind === 'hole') yield { vm, since, until: at, missed: step.missed, cause: DROPPED };
    const event = subject.name === UP || subject.name === DOWN ? undefined : readObject(text);
    if (!event || !isEvent(event)) return;
    const position = String(message.seq);
    yield { vm, event: event as unknown as QmpEvent, text, position, ...(order < 0 && { late: true as const }) };
  }

  #keep({ sessions }: Progress, key: string, session: Session): void {
    sessions.delete(key);
    sessions.set(key, session);
    const [oldest] = sessions.keys();
    if (sessions.size > OLDER && oldest !== undefined) sessions.delete(oldest);
  }
}

const BEGUN = 'a new session to QEMU has begun';
const LATE = 'an older session goes on, and what it had before is not known';
const DROPPED = 'events were lost before they were stored';
const FOREIGN = 'its numbers go back: somebody else writes in the name of its agent';
