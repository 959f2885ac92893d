import { genericError } from '../protocol/command-error.js';
import { FakeJob, type FakeJobOptions, type JobHost, type JobInfo } from './fake-job.js';

/** The background jobs of a {@link FakeQemu}: what `query-jobs` lists. */
export class FakeJobs {
  readonly #emit: JobHost['emit'];
  readonly #jobs = new Map<string, FakeJob>();

  /** Made by the FakeQemu. */
  constructor(emit: JobHost['emit']) {
    this.#emit = emit;
  }

  /**
   * Starts a job: it is created, then running, and stays so until you tell it to go on.
   *
   * @throws CommandError if there is one with this id, or if no job can have this id
   */
  start(id: string, type: JobInfo['type'], options: FakeJobOptions = {}): FakeJob {
    if (!/^[a-z][\w.-]*$/i.test(id)) throw genericError(`Invalid job ID '${id}'`);
    if (this.#jobs.has(id)) throw genericError(`Job ID '${id}' already in use`);
    const job = new FakeJob(id, type, options, {
      emit: this.#emit,
      gone: () => this.#jobs.delete(id),
    });
    this.#jobs.set(id, job);
    return job;
  }

  /** The job with this id. @throws CommandError if there is none, or if its status does not allow the command */
  find(id: string, verb: string): FakeJob {
    const job = this.#jobs.get(id);
    if (!job) throw genericError('Job not found');
    job.checkVerb(verb);
    return job;
  }

  /** The jobs, oldest first. */
  get list(): readonly FakeJob[] {
    return [...this.#jobs.values()];
  }
}
