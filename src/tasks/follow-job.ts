import { interval, Observable, type Subscriber } from 'rxjs';
import { checkTimeout, show } from '../foundation/checks.js';
import { ExecInterruptedError, JobError, StateError } from '../protocol/errors.js';
import type { QmpEvent } from '../protocol/message.js';
import type { JobInfo, JobStatus, Open } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';

/** How far a job is. */
export interface JobProgress {
  readonly status: Open<JobStatus>;
  /** Work done, in units of the job's own, bytes mostly; counts up to `total`. */
  readonly current: number;
  /** Work known so far; may grow while the job runs. 0 until QEMU has been asked. */
  readonly total: number;
}

export interface FollowJobOptions {
  /** Milliseconds between two looks at the progress, which QEMU tells only when asked; Infinity for none. @default 500 */
  readonly pollInterval?: number;
}

const EVENTS = ['JOB_STATUS_CHANGE', 'BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'] as const;
type JobEvent = QmpEvent<(typeof EVENTS)[number]>;

/**
 * Starts a job and emits its progress, on each change of its status and while it runs. Completes when the job is concluded and
 * fails with `JobError`, in QEMU's own words, when it failed or was cancelled; fails with what `start` rejects with.
 *
 * Cold: each subscription starts a job. It listens before it starts, since a short job is over before the reply. Unsubscribing
 * stops watching and cancels nothing. It dismisses nothing either: jobs that are not auto-dismissed stay until `job-dismiss`.
 *
 * ```ts
 * followJob(client, 'copy', () => client.execute('blockdev-backup', { 'job-id': 'copy', device: 'a', target: 'b', sync: 'full' }))
 *   .subscribe(({ status, current, total }) => console.log(status, current, total));
 * ```
 *
 * @param id the job's id, as given to the command that `start` executes
 */
export function followJob(
  client: QmpClient,
  id: string,
  start: () => Promise<unknown>,
  { pollInterval = 500 }: FollowJobOptions = {},
): Observable<JobProgress> {
  if (typeof id !== 'string') throw new TypeError(`id must be a string, not ${show(id)}`);
  if (typeof start !== 'function') throw new TypeError(`start must be a function, not ${show(start)}`);
  checkTimeout('pollInterval', pollInterval);
  return new Observable((subscriber) => {
    const job = new FollowedJob(client, id, subscriber);
    const look = (): void => {
      void job.look();
    };
    subscriber.add(
      client
        .observe(EVENTS, (event) => (event.event === 'JOB_STATUS_CHANGE' ? event.data.id : event.data.device) === id)
        .subscribe({
          next: (event) => {
            job.hear(event);
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            subscriber.error(
              new JobError(`${client.name}: job ${id}: the session ended before the job did`, {
                job: id,
                desc: 'unknown',
              }),
            );
          },
        }),
    );
    // What happened in a gap is not known until somebody asks.
    subscriber.add(client.state$.subscribe(look));
    if (pollInterval < Infinity) subscriber.add(interval(pollInterval).subscribe(look));
    start().then(
      () => {
        void job.started();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
  });
}

/** What is known of a job, from its events and from `query-jobs`. */
class FollowedJob {
  readonly #client: QmpClient;
  readonly #id: string;
  readonly #subscriber: Subscriber<JobProgress>;
  #progress: JobProgress | undefined;
  /** False until the job is seen, so that an older one with the same id is not taken for it. */
  #exists = false;
  #answered = false;
  #concluded = false;
  #aborting = false;
  /** What a block job said at its end: an error text, or null. It comes before `concluded`. */
  #verdict: string | null | undefined;
  #looking = false;
  #lookAgain = false;

  constructor(client: QmpClient, id: string, subscriber: Subscriber<JobProgress>) {
    this.#client = client;
    this.#id = id;
    this.#subscriber = subscriber;
  }

  hear(event: JobEvent): void {
    if (event.event === 'JOB_STATUS_CHANGE') {
      this.#reach(event.data.status);
      return;
    }
    if (!this.#exists) return;
    this.#verdict = event.event === 'BLOCK_JOB_CANCELLED' ? 'the job was cancelled' : (event.data.error ?? null);
    this.#advance(this.#progress?.status ?? 'running', event.data.offset, event.data.len);
  }

  /** The command that starts it has been answered: by now it exists, or existed. */
  async started(): Promise<void> {
    this.#answered = true;
    await this.look();
    if (!this.#exists) this.#fail('there is no such job; does its command have this job-id?');
  }

  /** Asks QEMU how far it is. One question at a time. */
  async look(): Promise<void> {
    if ((!this.#exists && !this.#answered) || this.#client.state.phase !== 'ready') return;
    this.#lookAgain = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    try {
      const jobs = await this.#client.execute('query-jobs');
      this.#see(jobs.find(({ id }) => id === this.#id));
    } catch (error) {
      // The session broke: the next one is asked again, and without one the events tell the loss.
      if (!(error instanceof ExecInterruptedError || error instanceof StateError)) this.#subscriber.error(error);
    } finally {
      this.#looking = false;
    }
    // What is asked for meanwhile, at the job's end say, may not be in the answer.
    if (this.#lookAgain) await this.look();
  }

  #reach(status: Open<JobStatus>): void {
    if (status === 'created') this.#exists = true;
    if (!this.#exists || this.#concluded) return;
    if (status === 'aborting') this.#aborting = true;
    if (status !== 'null') this.#advance(status, this.#progress?.current ?? 0, this.#progress?.total ?? 0);
    if (status !== 'concluded' && status !== 'null') return;
    this.#concluded = true;
    if (this.#verdict === undefined) void this.look();
    else this.#finish(this.#verdict);
  }

  #see(job: JobInfo | undefined): void {
    if (job) {
      this.#exists = true;
      this.#advance(job.status, job['current-progress'], job['total-progress']);
      if (job.status === 'concluded') this.#finish(job.error ?? null);
    } else if (this.#exists) {
      this.#finish(this.#verdict ?? this.#guess());
    }
  }

  /** It is gone without a word about how it ended. */
  #guess(): string | null {
    if (this.#aborting) return 'the job was aborted, and dismissed before QEMU could be asked why';
    return this.#concluded ? null : 'the job ended while nobody was connected; how is not known';
  }

  #advance(status: Open<JobStatus>, current: number, total: number): void {
    const before = this.#progress;
    if (before?.status === status && before.current === current && before.total === total) return;
    this.#progress = { status, current, total };
    this.#subscriber.next(this.#progress);
  }

  #finish(error: string | null): void {
    if (error === null) this.#subscriber.complete();
    else this.#fail(error);
  }

  #fail(desc: string): void {
    this.#subscriber.error(new JobError(`${this.#client.name}: job ${this.#id}: ${desc}`, { job: this.#id, desc }));
  }
}
