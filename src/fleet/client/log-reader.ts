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

/** How far the reader is with one VM. */
interface Progress {
  /** By `epoch.session`; the latest one is `current`. */
  readonly sessions: Map<string, Sequence>;
  current: Numbers;
  at: Date;
}

/** Makes events and gaps of the messages of the log, read in its order. */
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
    const at = message.time;
    const known = this.#progress.get(vm);
    const progress = known ?? { sessions: new Map<string, Sequence>(), current: numbers, at };
    this.#progress.set(vm, progress);
    const order = compareSessions(numbers, progress.current);
    const key = `${numbers.epoch}.${numbers.session}`;
    const sequence = progress.sessions.get(key) ?? new Sequence(this.#names);
    // The first of a session that was seen to begin has the number 1.
    if (known && order > 0) sequence.start({ ...numbers, n: 0 }, {});
    this.#keep(progress, key, sequence);
    const step = sequence.take(subject.name, numbers);
    if (step.kind === 'old') return;
    const since = progress.at;
    if (order >= 0) Object.assign(progress, { current: numbers, at });
    if (known && order > 0) yield { vm, since, until: at, cause: 'a new session to QEMU has begun' };
    else if (step.kind === 'hole') {
      yield { vm, since, until: at, missed: step.missed, cause: 'events were lost before they were stored' };
    }
    const event = subject.name === UP || subject.name === DOWN ? undefined : readObject(message.string());
    if (event && isEvent(event)) {
      const position = String(message.seq);
      yield { vm, event: event as unknown as QmpEvent, position, ...(order < 0 && { late: true as const }) };
    }
  }

  #keep({ sessions }: Progress, key: string, sequence: Sequence): void {
    sessions.delete(key);
    sessions.set(key, sequence);
    const [oldest] = sessions.keys();
    if (sessions.size > OLDER && oldest !== undefined) sessions.delete(oldest);
  }
}
