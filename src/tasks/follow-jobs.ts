import { show } from '../foundation/text.js';
import { catchError, concat, defer, EMPTY, merge, throwError, type Observable } from 'rxjs';
import { JobError } from '../protocol/errors.js';
import type { QmpClient } from '../client/qmp-client.js';
import { followJob } from './follow-job.js';
import { CANCELLED, type FollowJobOptions, type JobProgress } from './followed-job.js';

/**
 * Follows several jobs that one command starts, a `transaction` say, as `followJob` does one: it listens to all of them before
 * it starts. Completes when all are concluded; if one of them failed, it fails with that one's `JobError`, but not before
 * the others have ended too.
 *
 * Cold: each subscription starts them.
 */
export function followJobs(
  client: QmpClient,
  ids: readonly string[],
  start: (() => Promise<unknown>) | null,
  options: FollowJobOptions = {},
): Observable<JobProgress> {
  if (typeof ids !== 'object') throw new TypeError(`ids must be an array of job ids, not ${show(ids)}`);
  return defer(() => {
    const errors: Error[] = [];
    let started: Promise<unknown> | undefined;
    // Called by each of them, a turn after all of them were subscribed to.
    const once = start && ((): Promise<unknown> => (started ??= start()));
    const each = ids.map((id) =>
      followJob(client, id, once, options).pipe(
        catchError((error: unknown) => {
          errors.push(error as Error);
          return EMPTY;
        }),
      ),
    );
    return concat(
      merge(...each),
      defer(() => (errors.length > 0 ? throwError(() => errors.find(isCause) ?? (errors[0] as Error)) : EMPTY)),
    );
  });
}

/** In a grouped transaction one failure cancels all the others. */
function isCause(error: unknown): boolean {
  return !(error instanceof JobError && error.desc === CANCELLED);
}
