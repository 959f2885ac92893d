import { interval, Observable } from 'rxjs';
import { checkTimeout } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import type { QmpClient } from '../client/qmp-client.js';
import { FollowedJob, JOB_EVENTS, type FollowJobOptions, type JobProgress } from './followed-job.js';

/**
 * Starts a job and emits its progress: each new status once, and while it runs what it has done so far. Completes when the job
 * is concluded and fails with `JobError`, in QEMU's own words, when it failed or was cancelled; fails with what `start` rejects
 * with, and with `DisconnectedError` when the session ends; with `reconnect` it goes on in the next one.
 *
 * Cold: each subscription starts a job. It listens before it starts, since a short job has ended before the reply. Unsubscribing
 * stops watching; what becomes of the job then, when it is ready, pending or concluded, is up to the options.
 *
 * ```ts
 * followJob(client, 'copy', () => client.execute('blockdev-backup', { 'job-id': 'copy', device: 'a', target: 'b', sync: 'full' }))
 *   .subscribe(({ status, current, total }) => console.log(status, current, total));
 * ```
 *
 * @param id the job's id, as given to the command that `start` executes
 * @param start `null` follows a job that is there already
 */
export function followJob(
  client: QmpClient,
  id: string,
  start: (() => Promise<unknown>) | null,
  options: FollowJobOptions = {},
): Observable<JobProgress> {
  const { pollInterval = 500 } = options;
  if (typeof id !== 'string') throw new TypeError(`id must be a string, not ${show(id)}`);
  if (start !== null && typeof start !== 'function') {
    throw new TypeError(`start must be a function or null, not ${show(start)}`);
  }
  checkTimeout('pollInterval', pollInterval);
  return new Observable((subscriber) => {
    const job = new FollowedJob(client, id, options, subscriber);
    subscriber.add(
      client
        .observe(
          JOB_EVENTS,
          (event) => (event.event === 'JOB_STATUS_CHANGE' ? event.data.id : event.data.device) === id,
        )
        .subscribe({
          next: (event) => {
            job.hear(event);
          },
          error: (error: unknown) => {
            job.lost(error);
          },
          complete: () => {
            job.lost();
          },
        }),
    );
    // What happened in a gap is not known until somebody asks.
    subscriber.add(client.state$.subscribe(job.look));
    if (pollInterval < Infinity) subscriber.add(interval(pollInterval).subscribe(job.look));
    subscriber.add(() => {
      job.leave();
    });
    if (!start) {
      job.started();
      return;
    }
    // A turn later, so that `followJobs` listens to all of its jobs before the first is started.
    Promise.resolve()
      .then(() => (subscriber.closed ? undefined : start()))
      .then(
        () => {
          job.started();
        },
        (error: unknown) => {
          job.notStarted(error);
        },
      );
  });
}
