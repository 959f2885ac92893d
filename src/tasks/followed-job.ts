import type { Subscriber } from 'rxjs';
import { DisconnectedError, ExecInterruptedError, ExecuteError, JobError, StateError } from '../protocol/errors.js';
import type { QmpEvent } from '../protocol/message.js';
import type { JobInfo, JobStatus, JobType, Open } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { oneAtATime } from './one-at-a-time.js';

/** How far a job is. */
export interface JobProgress {
  /** The id of the job. */
  readonly id: string;
  /** The status of the job, in QEMU's word. */
  readonly status: Open<JobStatus>;
  /** Work done, in units of the job's own, bytes mostly; counts up to `total`. */
  readonly current: number;
  /** Work known so far; may grow while the job runs. 0 until QEMU has been asked. */
  readonly total: number;
  /** Absent until QEMU has been asked. */
  readonly type?: Open<JobType>;
  /** Why it is paused, if an error has paused it (`on-target-error: 'stop'`). */
  readonly reason?: string;
}

/** How a job is followed, and what it is told to do on the way. */
export interface FollowJobOptions {
  /** Milliseconds between two questions for the progress, which QEMU tells only when asked; Infinity for none. @default 500 */
  readonly pollInterval?: number;
  /** Whether a job that is `ready`, as a mirror is that has caught up, is told to complete. @default 'leave' */
  readonly whenReady?: 'leave' | 'complete';
  /** Whether a job that is `pending`, since it was started with `auto-finalize: false`, is told to finalize. @default false */
  readonly finalize?: boolean;
  /**
   * Whether it is dismissed once it has concluded; of use where `auto-dismiss` is off or not known to the command.
   *
   * @default false
   */
  readonly dismiss?: boolean;
  /** Whether unsubscribing before the end cancels the job. @default 'leave' */
  readonly onUnsubscribe?: 'leave' | 'cancel';
}

/** What a `JobError` says of a job that was cancelled. */
export const CANCELLED = 'the job was cancelled';

export const JOB_EVENTS = [
  'JOB_STATUS_CHANGE',
  'BLOCK_JOB_COMPLETED',
  'BLOCK_JOB_CANCELLED',
  'BLOCK_JOB_ERROR',
] as const;
type JobEvent = QmpEvent<(typeof JOB_EVENTS)[number]>;

/** What is known of a job, from its events and from `query-jobs`; and what it is told to do. */
export class FollowedJob {
  readonly #client: QmpClient;
  readonly #id: string;
  readonly #options: FollowJobOptions;
  readonly #subscriber: Subscriber<JobProgress>;
  #shown: JobProgress | undefined;
  #status: Open<JobStatus> = 'undefined';
  #current = 0;
  #total = 0;
  #type: Open<JobType> | undefined;
  #reason: string | undefined;
  /** False until the job is seen, so that an older one with the same id is not taken for it. */
  #exists = false;
  #answered = false;
  /** The command that starts it was interrupted: whether there is a job is to be seen. */
  #doubt: unknown;
  #concluded = false;
  #ended = false;
  #aborting = false;
  /** What a block job said at its end: an error text, or null. It comes before `concluded`. */
  #verdict: string | null | undefined;
  /** Counts the job's events: an answer to a question asked before the latest of them may be out of date. */
  #heard = 0;
  /** The status in which it was last told to go on. */
  #toldAt: string | undefined;

  /** Asks QEMU how far it is. */
  readonly look: () => void = oneAtATime(() => this.#ask());

  constructor(client: QmpClient, id: string, options: FollowJobOptions, subscriber: Subscriber<JobProgress>) {
    this.#client = client;
    this.#id = id;
    this.#options = options;
    this.#subscriber = subscriber;
  }

  hear(event: JobEvent): void {
    this.#heard += 1;
    if (event.event === 'JOB_STATUS_CHANGE') {
      if (event.data.status === 'created') this.#exists = true;
      if (this.#exists) this.#reach(event.data.status);
    } else if (event.event === 'BLOCK_JOB_ERROR') {
      // It comes before the status, and says what the status does not.
      if (event.data.action === 'stop') this.#reason = `a ${event.data.operation} failed`;
    } else if (this.#exists) {
      this.#verdict = event.event === 'BLOCK_JOB_CANCELLED' ? CANCELLED : (event.data.error ?? null);
      this.#type = event.data.type;
      this.#progress(event.data.offset, event.data.len);
    }
  }

  /** The command that starts it has been answered: by now it exists, or existed. */
  started(): void {
    this.#answered = true;
    if (this.#subscriber.closed) this.leave();
    else this.look();
  }

  /** The command that starts it has failed. It may have started a job all the same if the session was lost meanwhile. */
  notStarted(error: unknown): void {
    if (error instanceof ExecInterruptedError && this.#client.state.phase !== 'closed') {
      this.#doubt = error;
      this.started();
    } else {
      this.#fail(error);
    }
  }

  /** No more events come: the session has ended, and there is no other. */
  lost(error?: unknown): void {
    this.#fail(
      error ?? new DisconnectedError(`${this.#client.name}: job ${this.#id}: the session ended before the job did`),
    );
  }

  /** Nobody watches any more. */
  leave(): void {
    if (this.#ended || this.#options.onUnsubscribe !== 'cancel' || !(this.#exists || this.#answered)) return;
    this.#ended = true;
    this.#client.execute('job-cancel', { id: this.#id }).catch(() => undefined);
  }

  #hasEnded(): boolean {
    return this.#ended || this.#subscriber.closed;
  }

  async #ask(): Promise<void> {
    const isEarly = !this.#exists && !this.#answered;
    if (isEarly || this.#hasEnded() || this.#client.state.phase !== 'ready') return;
    const heard = this.#heard;
    try {
      const jobs = await this.#client.execute('query-jobs');
      if (this.#hasEnded()) return;
      this.#see(
        jobs.find(({ id }) => id === this.#id),
        heard === this.#heard,
      );
    } catch (error) {
      // The session broke: the next one is asked again, and without one the events tell the loss.
      if (!(error instanceof ExecInterruptedError || error instanceof StateError)) this.#fail(error);
    }
  }

  #see(job: JobInfo | undefined, isFresh: boolean): void {
    if (job) {
      this.#exists = true;
      this.#type = job.type;
      this.#progress(job['current-progress'], job['total-progress']);
      if (isFresh || this.#concluded) this.#reach(job.status, job.error ?? null);
      else this.look();
    } else if (this.#exists) {
      this.#conclude(this.#verdict ?? this.#guess());
    } else {
      this.#fail(this.#doubt ?? 'there is no such job; does its command have this job-id?');
    }
  }

  #reach(status: Open<JobStatus>, error?: string | null): void {
    if (status === 'aborting') this.#aborting = true;
    if (status !== 'null' && !this.#concluded) {
      this.#status = status;
      this.#show();
      this.#tell();
    }
    if (status !== 'concluded' && status !== 'null') return;
    this.#concluded = true;
    if (this.#verdict === undefined && error === undefined) this.look();
    else this.#conclude(this.#verdict ?? error ?? null);
  }

  /** It is gone without a word about how it ended. */
  #guess(): string | null {
    if (this.#aborting) return 'the job was aborted, and dismissed before QEMU could be asked why';
    return this.#concluded ? null : 'the job ended while nobody was connected; how is not known';
  }

  #progress(current: number, total: number): void {
    this.#current = current;
    this.#total = total;
    if (this.#status === 'running') this.#show();
  }

  /** Emits what is new. Only a running job has progress that counts: in any other status an emission means a new status. */
  #show(): void {
    const { status, current, total } = this.#shown ?? {};
    if (status !== this.#status && this.#status !== 'paused') this.#reason = undefined;
    const moved = this.#status === 'running' && (current !== this.#current || total !== this.#total);
    if (status === this.#status && !moved) return;
    this.#shown = {
      id: this.#id,
      status: this.#status,
      current: this.#current,
      total: this.#total,
      ...(this.#type !== undefined && { type: this.#type }),
      ...(this.#reason !== undefined && { reason: this.#reason }),
    };
    this.#subscriber.next(this.#shown);
  }

  /** Tells it to go on where it waits for that, once each time. */
  #tell(): void {
    const status = this.#status;
    if (this.#toldAt === status) return;
    this.#toldAt = status;
    const { whenReady, finalize } = this.#options;
    if (status === 'ready' && whenReady === 'complete') this.#order('job-complete', status);
    if (status === 'pending' && finalize) this.#order('job-finalize', status);
  }

  #order(command: 'job-complete' | 'job-finalize', status: string): void {
    this.#client.execute(command, { id: this.#id }).catch((error: unknown) => {
      if (error instanceof ExecInterruptedError) this.#toldAt = undefined;
      // One that has gone on meanwhile needed no order.
      else if (error instanceof ExecuteError && this.#status === status) this.#fail(error);
    });
  }

  #conclude(error: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const end = (): void => {
      if (error === null) this.#subscriber.complete();
      else this.#subscriber.error(this.#errorOf(error));
    };
    // Most jobs dismiss themselves: that there is none any more is what was asked for.
    if (this.#options.dismiss) this.#client.execute('job-dismiss', { id: this.#id }).then(end, end);
    else end();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#subscriber.error(typeof error === 'string' ? this.#errorOf(error) : error);
  }

  #errorOf(desc: string): JobError {
    return new JobError(`${this.#client.name}: job ${this.#id}: ${desc}`, { job: this.#id, desc });
  }
}
