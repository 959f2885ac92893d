import type { QmpEvent } from '../protocol/message.js';
import type { FailedJob, VmJob } from './vm-info.js';

/** Milliseconds between two looks at the jobs while one of them runs. */
const PROGRESS_INTERVAL = 1_000;

/** What may come with a change of the run state. */
const CHANGES_STATUS: ReadonlySet<string> = new Set([
  ...['STOP', 'RESUME', 'RESET', 'SHUTDOWN', 'SUSPEND', 'SUSPEND_DISK', 'WAKEUP', 'MIGRATION', 'WATCHDOG'],
  ...['GUEST_PANICKED', 'GUEST_CRASHLOADED', 'BLOCK_IO_ERROR', 'COLO_EXIT', 'DUMP_COMPLETED'],
]);
const CHANGES_JOBS = /^(JOB_STATUS_CHANGE|BLOCK_JOB_)/;

/** What `query-jobs` says of a job that somebody cancelled. */
const CANCELLED = 'Operation canceled';

/** Neither moves nor can be waited for. */
const AT_REST: ReadonlySet<string> = new Set(['paused', 'concluded', 'null', 'ready', 'standby', 'pending']);

/** What is known of a VM by asking it. */
export interface Health {
  readonly status?: string;
  readonly jobs?: readonly VmJob[];
  readonly failedJob?: FailedJob;
}

/** Keeps up what a VM does: asks at the start of a session, after the events that change it, and each second while a job runs. */
export class VmHealth {
  readonly #ask: (command: string) => Promise<unknown>;
  readonly #tell: () => void;
  #health: Health = {};
  #live = false;
  readonly #wanted = new Set<'query-status' | 'query-jobs'>();
  #asking = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param ask runs a command that takes no arguments
   * @param tell is called when {@link health} has changed
   */
  constructor(ask: (command: string) => Promise<unknown>, tell: () => void) {
    this.#ask = ask;
    this.#tell = tell;
  }

  get health(): Health {
    return this.#health;
  }

  /** A session has begun. */
  begin(): void {
    this.#live = true;
    this.#want('query-status');
    this.#want('query-jobs');
  }

  /** Asks for the run state again. */
  refresh(): void {
    this.#want('query-status');
  }

  /** The session has ended. That a job failed stays known. */
  end(): void {
    this.#live = false;
    this.#wanted.clear();
    clearTimeout(this.#timer);
    const { failedJob } = this.#health;
    this.#health = failedJob ? { failedJob } : {};
  }

  heard(event: QmpEvent): void {
    if (CHANGES_STATUS.has(event.event)) this.#want('query-status');
    if (!CHANGES_JOBS.test(event.event)) return;
    this.#noteFailure(event);
    this.#want('query-jobs');
  }

  #want(command: 'query-status' | 'query-jobs'): void {
    this.#wanted.add(command);
    if (!this.#asking) void this.#askAll();
  }

  /** One at a time: however many events come, QEMU is asked as often as it answers. */
  async #askAll(): Promise<void> {
    this.#asking = true;
    // A Set comes to what is added on the way.
    for (const command of this.#wanted) {
      this.#wanted.delete(command);
      try {
        this.#take(command, await this.#ask(command));
      } catch {
        // The session has ended, or this QEMU does not know the command.
      }
    }
    this.#asking = false;
  }

  #take(command: 'query-status' | 'query-jobs', reply: unknown): void {
    if (!this.#live) return;
    if (command === 'query-status') {
      this.#change({ status: statusOf(reply) });
    } else {
      const jobs = jobsOf(reply);
      for (const { id, error } of jobs) if (error !== undefined && error !== CANCELLED) this.#fail(id, error);
      this.#change({ jobs: jobs.length > 0 ? jobs : undefined });
      clearTimeout(this.#timer);
      if (jobs.some(({ status }) => !AT_REST.has(status))) {
        this.#timer = setTimeout(() => {
          this.#want('query-jobs');
        }, PROGRESS_INTERVAL);
      }
    }
  }

  /** QEMU may forget a job before anybody can ask: its events say how it ended. */
  #noteFailure({ event, data }: QmpEvent): void {
    const { id, device, error, status } = (data ?? {}) as Readonly<Record<string, unknown>>;
    const job = typeof id === 'string' ? id : device;
    if (typeof job !== 'string') return;
    if (event === 'JOB_STATUS_CHANGE' && status === 'created' && this.#health.failedJob?.id === job) {
      this.#change({ failedJob: undefined });
    }
    if (event === 'BLOCK_JOB_COMPLETED' && typeof error === 'string') this.#fail(job, error);
  }

  #fail(id: string, error: string): void {
    const known = this.#health.failedJob;
    if (known?.id === id && known.error === error) return;
    this.#change({ failedJob: { id, error, since: new Date().toISOString() } });
  }

  #change(part: { [K in keyof Health]: Health[K] | undefined }): void {
    const health = Object.fromEntries(
      Object.entries({ ...this.#health, ...part }).filter(([, value]) => value !== undefined),
    ) as Health;
    if (JSON.stringify(health) === JSON.stringify(this.#health)) return;
    this.#health = health;
    this.#tell();
  }
}

function statusOf(reply: unknown): string | undefined {
  const { status } = (reply ?? {}) as { status?: unknown };
  return typeof status === 'string' ? status : undefined;
}

function jobsOf(reply: unknown): VmJob[] {
  if (!Array.isArray(reply)) return [];
  return reply.flatMap((job: Readonly<Record<string, unknown>> | null) => {
    const { id, type, status, error } = job ?? {};
    if (typeof id !== 'string' || typeof type !== 'string' || typeof status !== 'string') return [];
    const current = Number(job?.['current-progress'] ?? 0);
    const total = Number(job?.['total-progress'] ?? 0);
    return [{ id, type, status, current, total, ...(typeof error === 'string' && { error }) }];
  });
}
