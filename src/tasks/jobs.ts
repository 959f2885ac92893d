import { Observable, Subscription, timer } from 'rxjs';
import { checkTimeout } from '../foundation/checks.js';
import { ExecInterruptedError, StateError } from '../protocol/errors.js';
import type { JobInfo } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { oneAtATime } from './one-at-a-time.js';

/** How often a list of jobs is refreshed. */
export interface JobsOptions {
  /** Milliseconds between two questions while a job runs: QEMU tells progress only when asked. @default 1_000 */
  readonly pollInterval?: number;
}

/** In these statuses a job makes progress. */
const AT_WORK: readonly string[] = ['created', 'running', 'ready', 'waiting', 'aborting'];

/**
 * All background jobs with their progress: the present list, then each change. QEMU is asked when a job changes its status, in
 * each new session, and each second while a job is at work; else it is left alone.
 *
 * Goes on after a reconnect. Without one it completes when the client's session ends in good order, and fails with
 * `DisconnectedError` after a loss.
 */
export function jobs$(client: QmpClient, { pollInterval = 1_000 }: JobsOptions = {}): Observable<readonly JobInfo[]> {
  checkTimeout('pollInterval', pollInterval);
  return new Observable((subscriber) => {
    let shown: string | undefined;
    let next = Subscription.EMPTY;
    const isLeft = (): boolean => subscriber.closed;
    const look = oneAtATime(async () => {
      next.unsubscribe();
      if (isLeft() || client.state.phase !== 'ready') return;
      try {
        const jobs = await client.execute('query-jobs');
        const text = JSON.stringify(jobs, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
        if (text !== shown) subscriber.next(jobs);
        shown = text;
        const isBusy = jobs.some(({ status }) => AT_WORK.includes(status));
        if (isBusy && pollInterval < Infinity && !isLeft()) next = timer(pollInterval).subscribe(look);
      } catch (error) {
        // The session broke. The next one is asked again; that there is none is told below.
        if (!(error instanceof ExecInterruptedError || error instanceof StateError)) subscriber.error(error);
      }
    });
    subscriber.add(
      client.observe('JOB_STATUS_CHANGE').subscribe({
        next: look,
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      }),
    );
    subscriber.add(client.state$.subscribe(look));
    return () => {
      next.unsubscribe();
    };
  });
}
