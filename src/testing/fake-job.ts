import type { EventMap } from '../protocol/qapi/event-map.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import { genericError } from '../protocol/command-error.js';
import type { EventData } from './event.js';

export type JobInfo = CommandMap['query-jobs']['result'][number];
export type JobStatus = EventMap['JOB_STATUS_CHANGE']['status'];

/** How a job of a fake QEMU goes. */
export interface FakeJobOptions {
  /** False: it stays `pending` until `job-finalize`. @default true */
  readonly autoFinalize?: boolean;
  /** False: it stays `concluded` until `job-dismiss`. @default true, as for block jobs; `blockdev-create` never dismisses itself */
  readonly autoDismiss?: boolean;
}

/** Whom a job tells. */
export interface JobHost {
  emit<N extends keyof EventMap>(name: N, ...data: EventData<N>): unknown;
  /** It is `null` now, that is, gone. */
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
    readonly id: string,
    readonly type: JobInfo['type'],
    private readonly options: FakeJobOptions,
    private readonly host: JobHost,
  ) {
    this.#enter('created');
    this.#enter('running');
  }

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

  /** Progress makes no event. */
  progress(current: number, total: number): void {
    this.#current = current;
    this.#total = total;
  }

  /** Waits for `job-complete`, as a mirror does that has caught up. */
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

  finalize(): void {
    if (this.#isBlockJob) this.host.emit('BLOCK_JOB_COMPLETED', this.#blockInfo());
    this.#conclude();
  }

  cancel(): void {
    this.#abort('Operation canceled', 'BLOCK_JOB_CANCELLED', {});
  }

  pause(): void {
    if (this.#isPaused) throw genericError('Job is already paused');
    this.#enter(this.#status === 'ready' ? 'standby' : 'paused');
  }

  resume(): void {
    if (!this.#isPaused) throw genericError("Can't resume a job that was not paused");
    this.#enter(this.#status === 'standby' ? 'ready' : 'running');
  }

  dismiss(): void {
    this.#enter('null');
    this.host.gone(this);
  }

  /** QEMU quits. */
  vanish(): void {
    if (this.#status !== 'concluded') this.cancel();
    if (this.#status === 'concluded') this.dismiss();
  }

  /** @throws CommandError if its status does not allow that */
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
