import { interval, skip, take, type Unsubscribable } from 'rxjs';
import type { Subscription } from '@nats-io/nats-core';
import { listen } from '../listen.js';
import type { NatsStatus } from '../nats-status.js';
import { beatSubject, nameOf, PREFIX } from '../subjects.js';
import { BEATS, readBeat, type Beat } from '../wire.js';

/** Hears of the beats of a host. */
export interface BeatWatcher {
  /** @param complete whether the one before was heard, too: then `moved` is all that happened since */
  beat(host: string, beat: Beat, complete: boolean): void;
  /** Nothing was heard for three beats. Told once, until the next. */
  silent(host: string): void;
}

const ALL = `${PREFIX}.hb.*`;

/** One host as it was heard last. */
interface Host {
  /** Absent where it was not heard, but must be by then. */
  readonly latest: Beat | undefined;
  /** Milliseconds between beats. */
  readonly every: number;
  readonly silence: Unsubscribable;
  /** One that `latest` says is old: of an agent that was replaced, or the true one where somebody else made `latest` up. */
  rival?: Beat;
}

/** The beats of all agents that anybody watches: one subscription, and one timer for each host. */
export class Beats {
  readonly #status: NatsStatus;
  readonly #hosts = new Map<string, Host>();
  readonly #watchers = new Map<string, Set<BeatWatcher>>();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(status: NatsStatus) {
    this.#status = status;
    const expected = new Map<string, number>();
    status.watch({
      // What was sent meanwhile is not known: the first beat that comes is the first that is heard.
      disconnected: () => {
        for (const [host, { every }] of this.#hosts) expected.set(host, every);
        this.#forget();
      },
      // Those that are not heard again are silent.
      reconnected: () => {
        if (this.#subscriptions.size > 0) for (const [host, every] of expected) this.expect(host, every);
        expected.clear();
      },
    });
  }

  /** The last beat of a host, while it is heard. */
  of(host: string): Beat | undefined {
    return this.#hosts.get(host)?.latest;
  }

  /** It has answered otherwise: if no beat follows, its silence is told. */
  expect(host: string, every: number): void {
    if (!this.#hosts.has(host)) {
      this.#hosts.set(host, { latest: undefined, every, silence: this.#silence(host, every) });
    }
  }

  /** What it subscribes to for a host; undefined for all. */
  patternOf(host: string | undefined): string {
    return host === undefined ? ALL : beatSubject(host);
  }

  /** @param host undefined for all. The function returned takes it back. */
  watch(host: string | undefined, watcher: BeatWatcher): () => void {
    const subject = this.patternOf(host);
    const watchers = this.#watchers.get(subject) ?? new Set();
    watchers.add(watcher);
    this.#watchers.set(subject, watchers);
    // Again, where the server has refused it before.
    if (this.#subscriptions.get(subject)?.isClosed() !== false) this.#subscribe(subject);
    return () => {
      watchers.delete(watcher);
      if (watchers.size > 0 || this.#watchers.get(subject) !== watchers) return;
      this.#watchers.delete(subject);
      this.#subscriptions.get(subject)?.unsubscribe();
      this.#subscriptions.delete(subject);
      if (this.#subscriptions.size === 0) this.#forget();
    };
  }

  end(): void {
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
    this.#watchers.clear();
    this.#forget();
  }

  #forget(): void {
    for (const { silence } of this.#hosts.values()) silence.unsubscribe();
    this.#hosts.clear();
  }

  #subscribe(subject: string): void {
    const subscription = listen(this.#status.nats, subject, (message) => {
      const host = nameOf(message.subject.slice(message.subject.lastIndexOf('.') + 1));
      const beat = readBeat(message.string());
      if (host !== undefined && beat) this.#hear(host, beat);
    });
    this.#subscriptions.set(subject, subscription);
  }

  #hear(host: string, beat: Beat): void {
    const known = this.#hosts.get(host);
    const latest = known?.latest;
    // Of an agent that was replaced; or the same one again, where two subscriptions get it.
    if (latest && (beat.epoch < latest.epoch || (beat.epoch === latest.epoch && beat.beat <= latest.beat))) {
      const { rival } = known;
      known.rival = beat;
      // It goes on beating, and the other does not.
      if (rival?.epoch !== beat.epoch || rival.beat !== beat.after) return;
    }
    known?.silence.unsubscribe();
    this.#hosts.set(host, { latest: beat, every: beat.every, silence: this.#silence(host, beat.every) });
    const complete = latest?.epoch === beat.epoch && latest.beat >= beat.after;
    this.#tell(host, (watcher) => {
      watcher.beat(host, beat, complete);
    });
  }

  /** Three ticks of our own: a process that stood still has not counted the time, and hears first what came meanwhile. */
  #silence(host: string, every: number): Unsubscribable {
    return interval(every)
      .pipe(skip(BEATS - 1), take(1))
      .subscribe(() => {
        this.#hosts.delete(host);
        this.#tell(host, (watcher) => {
          watcher.silent(host);
        });
      });
  }

  #tell(host: string, tell: (watcher: BeatWatcher) => void): void {
    const subjects = [ALL, beatSubject(host)];
    for (const watcher of subjects.flatMap((subject) => [...(this.#watchers.get(subject) ?? [])])) tell(watcher);
  }
}
