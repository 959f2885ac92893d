import {
  catchError,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  map,
  merge,
  of,
  scan,
  switchMap,
  takeWhile,
  throttleTime,
  timer,
  type Observable,
} from 'rxjs';
import type { QmpClient, Qapi } from 'rx-qmp';

export interface Job {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly current: number;
  readonly total: number;
  readonly error?: string;
  /** How it ended; undefined while it goes on. */
  readonly outcome?: 'finished' | 'failed';
}

type News = { readonly id: string; readonly status: string } | { readonly jobs: readonly Qapi.JobInfo[] };

const POLL = 1_000;
/** Jobs that have ended and are still shown. */
const ENDED = 3;

/** The jobs of a VM, whoever started them, and the last that ended. QEMU tells a job's progress only when asked. */
export function watchJobs(client: QmpClient): Observable<readonly Job[]> {
  return client.state$.pipe(
    map((state) => (state.phase === 'running' ? state.session : undefined)),
    distinctUntilChanged(),
    switchMap((session) => (session === undefined ? EMPTY : news(client))),
    scan<News, readonly Job[]>((jobs, it) => ('jobs' in it ? merged(jobs, it.jobs) : moved(jobs, it)), []),
  );
}

function news(client: QmpClient): Observable<News> {
  const moves$ = client.observe('JOB_STATUS_CHANGE').pipe(map(({ data }) => data));
  const progress$ = merge(of(undefined), moves$).pipe(
    throttleTime(200, undefined, { leading: true, trailing: true }),
    switchMap(() =>
      timer(0, POLL).pipe(
        exhaustMap(() => client.execute$('query-jobs')),
        takeWhile((jobs) => jobs.some(({ status }) => status !== 'concluded'), true),
        // Interrupted: the next session asks again.
        catchError(() => EMPTY),
      ),
    ),
    map((jobs) => ({ jobs })),
  );
  return merge(moves$, progress$).pipe(catchError(() => EMPTY));
}

function moved(jobs: readonly Job[], { id, status }: { id: string; status: string }): readonly Job[] {
  const job = jobs.find((one) => one.id === id && !one.outcome) ?? { id, type: 'job', status, current: 0, total: 0 };
  if (status === 'null') return replaced(jobs, ended(job));
  return replaced(jobs, {
    ...job,
    status,
    ...(status === 'aborting' && { error: job.error ?? 'cancelled or failed' }),
  });
}

function merged(jobs: readonly Job[], listed: readonly Qapi.JobInfo[]): readonly Job[] {
  const present = listed.map((info): Job => {
    const job = { ...jobs.find(({ id, outcome }) => id === info.id && !outcome), ...viewOf(info) };
    return info.status === 'concluded' ? ended(job) : job;
  });
  const others = jobs.filter(({ id }) => !listed.some((info) => info.id === id)).map(ended);
  return limited([...others, ...present]);
}

function viewOf(info: Qapi.JobInfo): Job {
  const { id, type, status, error } = info;
  const progress = { current: info['current-progress'], total: info['total-progress'] };
  return { id, type, status, ...progress, ...(error !== undefined && { error }) };
}

function ended(job: Job): Job {
  return job.outcome ? job : { ...job, outcome: job.error === undefined ? 'finished' : 'failed' };
}

function replaced(jobs: readonly Job[], job: Job): readonly Job[] {
  const others = jobs.filter(({ id }) => id !== job.id);
  return limited([...others, job]);
}

function limited(jobs: readonly Job[]): readonly Job[] {
  return [...jobs.filter(({ outcome }) => outcome).slice(-ENDED), ...jobs.filter(({ outcome }) => !outcome)];
}
