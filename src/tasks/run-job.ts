import { whenAborted } from '../foundation/abort.js';
import { checkFunction, checkSignal } from '../foundation/checks.js';
import type { JobType, Open } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { followJob } from './follow-job.js';
import type { FollowJobOptions, JobProgress } from './followed-job.js';

/** A job that has concluded without an error. */
export interface JobResult {
  /** The id of the job. */
  readonly id: string;
  /** Absent where the job had ended and was dismissed before QEMU could be asked. */
  readonly type?: Open<JobType>;
}

/** How a job is run to its end. */
export interface RunJobOptions extends FollowJobOptions {
  /** Is called with each progress that `followJob` would emit. */
  readonly onProgress?: (progress: JobProgress) => void;
  /** Rejects with the signal's reason when it aborts; `onUnsubscribe` says what becomes of the job. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a job to its end: `followJob` for who awaits it.
 *
 * ```ts
 * await runJob(client, 'disk', () => client.execute('blockdev-create', { 'job-id': 'disk', options }), { dismiss: true });
 * ```
 *
 * Rejects as `followJob` fails, with the signal's reason, or with what `onProgress` throws.
 */
export async function runJob(
  client: QmpClient,
  id: string,
  start: (() => Promise<unknown>) | null,
  { onProgress, signal, ...options }: RunJobOptions = {},
): Promise<JobResult> {
  checkFunction('onProgress', onProgress);
  checkSignal('signal', signal);
  signal?.throwIfAborted();
  const progress$ = followJob(client, id, start, options);
  return new Promise((resolve, reject) => {
    let type: Open<JobType> | undefined;
    const stopWatching =
      signal &&
      whenAborted(signal, () => {
        give(signal.reason);
      });
    const give = (error: unknown): void => {
      reject(error);
      following.unsubscribe();
    };
    const following = progress$.subscribe({
      next: (progress) => {
        type = progress.type ?? type;
        try {
          onProgress?.(progress);
        } catch (error) {
          give(error);
        }
      },
      error: reject,
      complete: () => {
        resolve({ id, ...(type !== undefined && { type }) });
      },
    });
    following.add(stopWatching);
  });
}
