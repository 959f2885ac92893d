import type { EventMap } from '../protocol/qapi/event-map.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import { genericError } from '../protocol/command-error.js';
import type { EventData } from './event.js';

/** An entry of what `query-jobs` returns. */
export type JobInfo = CommandMap['query-jobs']['result'][number];
/** A status of a job: `created`, `running`, `concluded`, … */
export type JobStatus = EventMap['JOB_STATUS_CHANGE']['status'];

/** How a job of a fake QEMU goes. */
export interface FakeJobOptions {
  /** Whether it finalizes by itself; if not, it stays `pending` until `job-finalize`. @default true */
  readonly autoFinalize?: boolean;
  /**
   * Whether it dismisses itself; if not, it stays `concluded` until `job-dismiss`.
   *
   * @default true, as for block jobs; false for `create`
   */
  readonly autoDismiss?: boolean;
}

/** Receives what a job reports. */
export interface JobHost {
  /** Emits an event of the job. */
  emit<N extends keyof EventMap>(name: N, ...data: EventData<N>): unknown;
  /** The job has become `null`: QEMU has forgotten it. */
  gone(job: FakeJob): void;
}

/** Jobs of these types also emit BLOCK_JOB_ events. */
const BLOCK_JOBS = new Set<string>(['backup', 'commit', 'mirror', 'stream']);

/** The statuses in which a job takes each command; `resume` asks only whether it is paused. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  cancel: ['created', 'running', 'paused', 'ready', 'standby', 'waiting', 'pending'],
  pause: ['created', 'running', 'paused', 'ready', 'standby'],
  complete: ['ready'],
  finalize: ['pending'],
  dismiss: ['concluded'],
};

/** A background job of a {@link FakeQemu}. It goes on when it is told to, and emits what QEMU emits then. */
export class FakeJob {
  #status: JobStatus = 'undefined';
  #current = 0;
  #total = 1;
  #error: string | undefined;

  /** Made by `fake.jobs.start()`. */
  constructor(
    /** The id of the job. */
    readonly id: string,
    /** What the job does: `backup`, `create`, … */
    readonly type: JobInfo['type'],
    private readonly options: FakeJobOptions,
    private readonly host: JobHost,
  ) {
    this.#enter('created');
    this.#enter('running');
  }

  /** Its status now, as `query-jobs` tells it. */
  get status(): JobStatus {
    return this.#status;
  }

  /** Its entry in the answer to `query-jobs`. */
  get info(): JobInfo {
    return {
      'current-progress': this.#current,
      status: this.#status,
      'total-progress': this.#total,
      type: this.type,
      id: this.id,
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  /** Sets the progress that `query-jobs` tells. QEMU emits no event for it. */
  progress(current: number, total: number): void {
    this.#current = current;
    this.#total = total;
  }

  /** Becomes `ready`, as a mirror that has caught up, and waits for `job-complete`. */
  ready(): void {
    this.#current = this.#total;
    this.#enter('ready');
    if (this.#isBlockJob) this.host.emit('BLOCK_JOB_READY', this.#blockInfo());
  }

  /** Ends its work, with an error if you give QEMU's text of it. */
  finish(error?: string): void {
    if (error !== undefined) {
      this.#abort(error, 'BLOCK_JOB_COMPLETED', { error });
      return;
    }
    this.#current = this.#total;
    this.#enter('waiting');
    this.#enter('pending');
    if (this.options.autoFinalize ?? true) this.finalize();
    else if (this.#isBlockJob) this.host.emit('BLOCK_JOB_PENDING', { type: this.type, id: this.id });
  }

  /** Concludes it as `job-finalize` does. */
  finalize(): void {
    if (this.#isBlockJob) this.host.emit('BLOCK_JOB_COMPLETED', this.#blockInfo());
    this.#conclude();
  }

  /** Ends it as `job-cancel` does. */
  cancel(): void {
    this.#abort('Operation canceled', 'BLOCK_JOB_CANCELLED', {});
  }

  /** Pauses it. @throws CommandError if it is paused already */
  pause(): void {
    if (this.#isPaused) throw genericError('Job is already paused');
    this.#enter(this.#status === 'ready' ? 'standby' : 'paused');
  }

  /** Lets it go on. @throws CommandError if it is not paused */
  resume(): void {
    if (!this.#isPaused) throw genericError("Can't resume a job that was not paused");
    this.#enter(this.#status === 'standby' ? 'ready' : 'running');
  }

  /** Ends it as `job-dismiss` does: it becomes `null`, and its id is free again. */
  dismiss(): void {
    this.#enter('null');
    this.host.gone(this);
  }

  /** Disappears with its QEMU. */
  vanish(): void {
    if (this.#status !== 'concluded') this.cancel();
    if (this.#status === 'concluded') this.dismiss();
  }

  /** Checks that the job takes a command now. @throws CommandError if its status does not allow that */
  checkVerb(verb: string): void {
    if (ALLOWED[verb]?.includes(this.#status) === false) {
      throw genericError(`Job '${this.id}' in state '${this.#status}' cannot accept command verb '${verb}'`);
    }
  }

  get #isPaused(): boolean {
    return this.#status === 'paused' || this.#status === 'standby';
  }

  get #isBlockJob(): boolean {
    return BLOCK_JOBS.has(this.type);
  }

  #abort(error: string, event: 'BLOCK_JOB_COMPLETED' | 'BLOCK_JOB_CANCELLED', more: { error?: string }): void {
    this.#error = error;
    this.#enter('aborting');
    if (this.#isBlockJob) this.host.emit(event, { ...this.#blockInfo(), ...more });
    this.#conclude();
  }

  #conclude(): void {
    this.#enter('concluded');
    if (this.options.autoDismiss ?? true) this.dismiss();
  }

  #blockInfo(): EventMap['BLOCK_JOB_READY'] {
    return { device: this.id, len: this.#total, offset: this.#current, speed: 0, type: this.type };
  }

  #enter(status: JobStatus): void {
    this.#status = status;
    this.host.emit('JOB_STATUS_CHANGE', { status, id: this.id });
  }
}
