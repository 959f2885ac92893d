import { Observable, type Subscriber } from 'rxjs';
import type { Msg, Subscription } from '@nats-io/nats-core';
import { isEvent, type QmpEvent } from '../../protocol/message.js';
import { headersOf, listen } from '../listen.js';
import { refusal } from '../nats-errors.js';
import type { NatsStatus } from '../nats-status.js';
import { ID_HEADER, readNumbers } from '../numbers.js';
import { Sequence } from '../sequence.js';
import { DOWN, readEventSubject, UP } from '../subjects.js';
import { readObject, type Beat } from '../wire.js';
import type { Beats } from './beats.js';
import type { FleetEvent, FleetGap, Where } from './fleet-types.js';
import { hostOf, namesOf, patternsOf } from './where.js';

interface Heard {
  readonly epoch: number;
  readonly beat: number;
  readonly at: Date;
  /** Its silence was told. */
  silent: boolean;
}

/** How far the reader is with one VM. */
interface Progress {
  readonly sequence: Sequence;
  heardAt: Date;
}

/**
 * The live events of many VMs, and what is missing of them: a hole in the numbers at once, a last event that was lost with the
 * next beat of its host. Never errors; completes when the connection is closed.
 */
export function readLive(status: NatsStatus, beats: Beats, where: Where): Observable<FleetEvent | FleetGap> {
  return new Observable((subscriber) => {
    const reader = new LiveReader(status, beats, where, subscriber);
    reader.start();
    return () => {
      reader.end();
    };
  });
}

class LiveReader {
  readonly #status: NatsStatus;
  readonly #beats: Beats;
  readonly #where: Where;
  readonly #patterns: readonly string[];
  readonly #out: Subscriber<FleetEvent | FleetGap>;
  /** By host, then by VM. */
  readonly #progress = new Map<string, Map<string, Progress>>();
  /** The last beat of each host, also through silence and a lost connection: what moves from then on is known in full. */
  readonly #heard = new Map<string, Heard>();
  readonly #subscriptions: Subscription[] = [];
  readonly #teardown: (() => void)[] = [];
  #lostAt: Date | undefined;

  constructor(status: NatsStatus, beats: Beats, where: Where, out: Subscriber<FleetEvent | FleetGap>) {
    this.#status = status;
    this.#beats = beats;
    this.#where = where;
    this.#patterns = patternsOf('evt', where);
    this.#out = out;
  }

  start(): void {
    if (this.#status.closed) {
      this.#out.complete();
      return;
    }
    for (const pattern of this.#patterns) {
      const subscription = listen(this.#status.nats, pattern, (message) => {
        this.#hear(message);
      });
      this.#subscriptions.push(subscription);
    }
    this.#teardown.push(
      this.#beats.watch(hostOf(this.#where), {
        beat: (host, beat) => {
          this.#hearBeat(host, beat);
        },
        silent: (host) => {
          this.#silent(host);
        },
      }),
      this.#status.watch({
        disconnected: () => {
          this.#lostAt ??= new Date();
        },
        reconnected: () => {
          this.#gap({ since: this.#lostAt ?? new Date(), cause: 'the connection to NATS was lost' });
          this.#lostAt = undefined;
        },
        unsubscribed: (pattern) => {
          if (!this.#patterns.includes(pattern) && pattern !== this.#beats.patternOf(hostOf(this.#where))) return;
          this.#gap({ since: new Date(), cause: refusal('subscribe', pattern) });
        },
        closed: () => {
          this.#out.complete();
        },
      }),
    );
  }

  end(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const stop of this.#teardown) stop();
  }

  #hear(message: Msg): void {
    const subject = readEventSubject('evt', message.subject);
    const numbers = subject && readNumbers(subject, headersOf(message)?.get(ID_HEADER));
    if (!numbers) return;
    const { host, vm, name } = subject;
    const full = `${host}/${vm}`;
    const progress = this.#progressOf(host, vm);
    const step = progress.sequence.take(name, numbers);
    if (step.kind === 'old') return;
    const since = progress.heardAt;
    progress.heardAt = new Date();
    if (step.kind === 'hole') this.#gap({ vm: full, since, missed: step.missed, cause: LOST });
    if (step.kind === 'session') this.#gap({ vm: full, since, cause: NEW_SESSION });
    if (name === UP || name === DOWN) return;
    const text = message.string();
    const event = readObject(text) as QmpEvent | undefined;
    const { epoch, session, n } = numbers;
    if (event && isEvent(event)) this.#out.next({ vm: full, event, text, position: `${epoch}.${session}.${n}` });
  }

  #hearBeat(host: string, beat: Beat): void {
    const known = this.#heard.get(host);
    this.#heard.set(host, { epoch: beat.epoch, beat: beat.beat, at: new Date(), silent: false });
    const there = known?.epoch === beat.epoch && known.beat >= beat.after;
    if (known?.silent) this.#gap({ since: known.at, cause: `the agent of ${host} was silent` });
    else if (known?.epoch === beat.epoch && !there) {
      this.#gap({ since: known.at, cause: `a beat of the agent of ${host} was lost` });
    }
    for (const [vm, moved] of Object.entries(beat.moved)) {
      const full = `${host}/${vm}`;
      if (this.#where.vm !== undefined && this.#where.vm !== full) continue;
      const { sequence, heardAt } = this.#progressOf(host, vm);
      const since = known?.at ?? heardAt;
      const missed = sequence.beat(beat.epoch, moved, there);
      if (missed === 'session') this.#gap({ vm: full, since, cause: NEW_SESSION });
      else if (missed === 'forged') {
        // By those numbers all that follows would count as old.
        this.#progress.get(host)?.delete(vm);
        this.#progressOf(host, vm).sequence.beat(beat.epoch, moved, false);
        this.#gap({ vm: full, since, cause: 'somebody else publishes in the name of its agent' });
      } else if (missed > 0) this.#gap({ vm: full, since, missed, cause: LOST });
    }
  }

  /** Nothing can be said of its VMs: not even whether anything is missing. */
  #silent(host: string): void {
    const known = this.#heard.get(host);
    this.#progress.delete(host);
    if (!known || known.silent) return;
    known.silent = true;
    this.#gap({ since: known.at, cause: `the agent of ${host} is silent` });
  }

  #progressOf(host: string, vm: string): Progress {
    const vms = this.#progress.get(host) ?? new Map<string, Progress>();
    this.#progress.set(host, vms);
    const progress = vms.get(vm) ?? { sequence: new Sequence(namesOf(this.#where)), heardAt: new Date() };
    vms.set(vm, progress);
    return progress;
  }

  #gap(gap: Omit<FleetGap, 'until'>): void {
    this.#out.next({ ...gap, until: new Date() });
  }
}

const NEW_SESSION = 'a new session to QEMU has begun';
const LOST = 'events were lost on the way';
