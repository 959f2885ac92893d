import { filter, map, timer, type Observable } from 'rxjs';
import { followJob, followJobs, jobs$, JobError, runJob, type JobProgress } from 'rx-qmp';
import { FakeQemu, type FakeJob } from 'rx-qmp/testing';
import { connected, inVirtualTime, marbles, sent$ } from './virtual-time.js';

inVirtualTime();

const COMMANDS = { q: 'query-jobs', c: 'job-complete', f: 'job-finalize', x: 'job-cancel', d: 'job-dismiss' };
const startIn =
  (
    fake: FakeQemu,
    id: string,
    ...how: Parameters<FakeQemu['jobs']['start']> extends [string, ...infer R] ? R : never
  ) =>
  (): Promise<FakeJob> =>
    Promise.resolve(fake.jobs.start(id, ...how));
const job = (fake: FakeQemu, id: string): FakeJob => fake.jobs.find(id, 'pause');
const words = (progress$: Observable<JobProgress>): Observable<string> =>
  progress$.pipe(map(({ status, current, total }) => `${status} ${current}/${total}`));
const statuses = (progress$: Observable<JobProgress>): Observable<string> =>
  progress$.pipe(map(({ id, status }) => `${id} ${status}`));

describe('followJob in virtual time', () => {
  it('tells a new status at once and progress each 500 ms, and completes what is ready, once', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    // It takes a while to pivot.
    fake.on('job-complete', () => {
      setTimeout(() => {
        fake.jobs.list[0]?.finish();
      }, 400);
    });
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client)).toBe('    q     499ms q 199ms c 299ms q 1s -', COMMANDS);
      const mirror = followJob(client, 'm', startIn(fake, 'm', 'mirror'), { whenReady: 'complete' });
      expectObservable(words(mirror)).toBe('(abc) 495ms d 199ms r 399ms (wpe|)', {
        a: 'created 0/0',
        b: 'running 0/0',
        c: 'running 0/1',
        d: 'running 50/100',
        r: 'ready 50/100',
        w: 'waiting 100/100',
        p: 'pending 100/100',
        e: 'concluded 100/100',
      });
      at(400, () => {
        job(fake, 'm').progress(50, 100);
      });
      at(700, () => {
        job(fake, 'm').ready();
      });
    });
  });

  it('leaves a job that is ready or pending alone by default, however long it waits', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client, 'job-complete', 'job-finalize')).toBe('20s -');
      const copy = followJob(client, 'b', startIn(fake, 'b', 'mirror', { autoFinalize: false }));
      expectObservable(statuses(copy)).toBe('(abb) 95ms r 4899ms (wp) 10s -', {
        a: 'b created',
        b: 'b running',
        r: 'b ready',
        w: 'b waiting',
        p: 'b pending',
      });
      at(100, () => {
        job(fake, 'b').ready();
      });
      at(5_000, () => {
        job(fake, 'b').finish();
      });
    });
  });

  it('finalizes a pending job where auto-finalize is off, and ends when that is done', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    fake.on('job-finalize', ({ id }) => {
      const pending = fake.jobs.find(id, 'finalize');
      setTimeout(() => {
        pending.finalize();
      }, 100);
    });
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client, 'job-finalize')).toBe('700ms f 1s -', COMMANDS);
      const copy = followJob(client, 'b', startIn(fake, 'b', 'backup', { autoFinalize: false }), { finalize: true });
      expectObservable(statuses(copy)).toBe('(abb) 695ms (wp) 96ms (e|)', {
        a: 'b created',
        b: 'b running',
        w: 'b waiting',
        p: 'b pending',
        e: 'b concluded',
      });
      at(700, () => {
        job(fake, 'b').finish();
      });
    });
  });

  it('cancels the job of whoever leaves, in that moment, or lets it run', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client, 'job-cancel')).toBe('     300ms x 1s -', COMMANDS);
      const values = { a: 'a created', b: 'a running', c: 'b created', d: 'b running' };
      const options = { onUnsubscribe: 'cancel', pollInterval: Infinity } as const;
      const cancelled = statuses(followJob(client, 'a', startIn(fake, 'a', 'backup'), options));
      expectObservable(cancelled, '^ 299ms !').toBe('(abb) 1s -', values);
      const left = statuses(followJob(client, 'b', startIn(fake, 'b', 'backup'), { pollInterval: Infinity }));
      expectObservable(left, '     ^ 299ms !').toBe('(cdd) 1s -', values);
    });
    expect(fake.jobs.list.map(({ id }) => id)).toEqual(['b']);
  });
});

describe('followJobs in virtual time', () => {
  it('starts once, and ends with the last of them, also where one has failed long before', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const start = (one: string, two: string) => (): Promise<unknown> =>
      Promise.all([startIn(fake, one, 'backup')(), startIn(fake, two, 'backup')()]);
    const ends = (progress$: Observable<JobProgress>): Observable<string> =>
      statuses(progress$).pipe(filter((word) => word.endsWith('concluded')));
    await marbles(({ at, expectObservable }) => {
      const values = { a: 'a concluded', b: 'b concluded', c: 'c concluded', d: 'd concluded' };
      expectObservable(ends(followJobs(client, ['a', 'b'], start('a', 'b')))).toBe('300ms a 499ms (b|)', values);
      expectObservable(ends(followJobs(client, ['c', 'd'], start('c', 'd')))).toBe(
        '300ms c 499ms (d#)',
        values,
        JobError,
      );
      at(300, () => {
        job(fake, 'a').finish();
        job(fake, 'c').finish('No space left on device');
      });
      at(800, () => {
        job(fake, 'b').finish();
        job(fake, 'd').finish();
      });
    });
  });
});

describe('runJob in virtual time', () => {
  it('resolves when the job is dismissed, and not before', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    fake.on('job-dismiss', timer(50).pipe(map(() => undefined)));
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client)).toBe('q 499ms q 99ms (qd) 1s -', COMMANDS);
      const result = runJob(client, 'c', startIn(fake, 'c', 'create', { autoDismiss: false }), { dismiss: true });
      expectObservable(result).toBe('650ms (r|)', { r: { id: 'c', type: 'create' } });
      at(600, () => {
        job(fake, 'c').finish();
      });
    });
  });
});

describe('jobs$ in virtual time', () => {
  it('asks at each change and each second while a job is at work, and never while none is', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client)).toBe('q 1999ms (qq) 996ms q 999ms q 199ms (qq) 60m -', COMMANDS);
      const lists = jobs$(client).pipe(
        map((jobs) => jobs.map((one) => `${one.id} ${one.status} ${one['current-progress']}`).join()),
      );
      expectObservable(lists, '^ 10s !').toBe('n 1999ms r 1999ms p 199ms (wn) 10s -', {
        n: '',
        r: 'b running 0',
        p: 'b running 5',
        w: 'b waiting 9',
      });
      at(2_000, () => fake.jobs.start('b', 'backup'));
      at(3_500, () => {
        job(fake, 'b').progress(5, 9);
      });
      at(4_200, () => {
        job(fake, 'b').finish();
      });
    });
  });
});
