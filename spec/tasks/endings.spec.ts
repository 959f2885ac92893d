import fc from 'fast-check';
import { lastValueFrom, Observable } from 'rxjs';
import {
  eventAfter,
  followJobs,
  jobs$,
  migrate,
  pause,
  pressKeys,
  QmpClient,
  QmpError,
  reset,
  resume,
  runJob,
  shutdown,
  typeText,
  unplug,
  waitForGuest,
} from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';

type Task = (client: QmpClient, signal: AbortSignal, fake: FakeQemu) => Promise<unknown>;

/** An Observable's task is aborted by unsubscribing. */
function untilAborted(source: Observable<unknown>, signal: AbortSignal): Promise<unknown> {
  return lastValueFrom(
    new Observable((subscriber) => {
      const stop = (): void => {
        subscriber.error(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
      return source.subscribe(subscriber);
    }),
    { defaultValue: undefined },
  );
}

const startJob = (fake: FakeQemu, id: string) => (): Promise<unknown> => Promise.resolve(fake.jobs.start(id, 'backup'));
const create = { 'job-id': 'c', options: { driver: 'file', filename: 'x', size: 1 } } as const;

const TASKS: Readonly<Record<string, Task>> = {
  eventAfter: (client, signal) => eventAfter(client, 'STOP', () => client.execute('stop'), { signal }),
  pause: (client, signal) => pause(client, { signal }),
  resume: (client, signal) => resume(client, { signal }),
  reset: (client, signal) => reset(client, { signal }),
  shutdown: (client, signal) => shutdown(client, { signal, grace: 25_000 }),
  'shutdown or fail': (client, signal) => shutdown(client, { signal, grace: 25_000, then: 'fail' }),
  unplug: (client, signal) => unplug(client, 'nic0', { signal }),
  'unplug in vain': (client, signal) => unplug(client, 'nic1', { signal }),
  waitForGuest: (client, signal) => waitForGuest(client, 'qga', { signal, timeout: 5_000 }),
  pressKeys: (client, signal) => pressKeys(client, 'ctrl-alt-delete', { signal }),
  typeText: (client, signal) => typeText(client, 'Hi!', { signal }),
  runJob: (client, signal) =>
    runJob(client, 'c', () => client.execute('blockdev-create', create), {
      signal,
      dismiss: true,
      onUnsubscribe: 'cancel',
    }),
  followJobs: (client, signal, fake) => untilAborted(followJobs(client, ['a'], startJob(fake, 'a')), signal),
  jobs$: (client, signal) => untilAborted(jobs$(client), signal),
  migrate: (client, signal) => untilAborted(migrate(client, { uri: 'unix:/x' }), signal),
};

/** What comes between: who started the task gives up, QEMU dies, the client leaves, another QEMU takes the place. */
const INTERRUPTIONS = ['abort', 'kill', 'disconnect', 'restart'] as const;

describe('every task, interrupted at any step', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const outcomes = new Map<string, number>();

  it('settles, with the reason or a typed error, and leaves nothing behind (T1, T2)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(TASKS)),
        fc.constantFrom(...INTERRUPTIONS),
        fc.nat(14),
        fc.boolean(),
        async (name, interruption, step, reconnect) => {
          const fake = new FakeQemu().on('query-chardev', [{ label: 'qga', filename: 'x', 'frontend-open': false }]);
          fake.devices.add('nic0');
          fake.devices.add('nic1', 'is silent');
          const client = new QmpClient(fake.connector, reconnect ? { reconnect: { delay: () => 10 } } : {});
          await client.connect();
          const giveUp = new AbortController();
          const reason = new Error('enough');
          let messages = 0;
          const interrupted: boolean[] = [];
          client.traffic$.subscribe(() => {
            messages += 1;
            if (messages !== step + 1) return;
            interrupted.push(true);
            if (interruption === 'abort') giveUp.abort(reason);
            else if (interruption === 'disconnect') void client.disconnect();
            else fake[interruption]();
          });
          const settled: { error?: unknown }[] = [];
          TASKS[name]?.(client, giveUp.signal, fake).then(
            () => settled.push({}),
            (error: unknown) => settled.push({ error }),
          );
          for (let waited = 0; settled.length === 0 && waited < 100; waited += 1) {
            await jest.advanceTimersByTimeAsync(1_000);
          }
          // What watches for ever ends when it is told to.
          if (settled.length === 0) giveUp.abort(reason);
          await jest.advanceTimersByTimeAsync(1_000);

          expect(settled).toHaveLength(1);
          const { error } = settled[0] ?? {};
          if (error !== undefined && error !== reason) expect(error).toBeInstanceOf(QmpError);
          if (interruption === 'abort' && interrupted.length > 0 && error !== undefined) expect(error).toBe(reason);
          expect(client.listeners).toEqual([client.events]);
          outcomes.set(interruption, (outcomes.get(interruption) ?? 0) + interrupted.length);
          await client.close();
          await jest.advanceTimersByTimeAsync(15_000);
          expect(jest.getTimerCount()).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
    // A property that is never put to the test holds always.
    for (const interruption of INTERRUPTIONS) expect(outcomes.get(interruption)).toBeGreaterThan(10);
  }, 180_000);
});

/** What a task may still send when it was given up: what its options, or unsubscribing, say. */
const SENT_AFTERWARDS: Readonly<Record<string, readonly string[]>> = {
  runJob: ['job-cancel'],
  migrate: ['migrate_cancel', 'migrate-set-capabilities'],
};

describe('every task, given up at each step', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Aborts a task when so many messages have gone over the wire; gives what it sends afterwards, or undefined if it was over. */
  async function sentAfter(task: Task, step: number): Promise<string[] | undefined> {
    const fake = new FakeQemu().on('query-chardev', [{ label: 'qga', filename: 'x', 'frontend-open': false }]);
    fake.devices.add('nic0');
    fake.devices.add('nic1', 'is silent');
    const client = new QmpClient(fake.connector);
    await client.connect();
    const giveUp = new AbortController();
    let messages = 0;
    let sent = Infinity;
    client.traffic$.subscribe(() => {
      messages += 1;
      if (messages !== step) return;
      giveUp.abort(new Error('enough'));
      // The one that is being sent counts as sent before.
      sent = fake.received.length + 1;
    });
    const ended = task(client, giveUp.signal, fake).catch(() => undefined);
    for (let waited = 0; sent === Infinity && waited < 30; waited += 1) await jest.advanceTimersByTimeAsync(1_000);
    await jest.advanceTimersByTimeAsync(30_000);
    const later = fake.received.slice(sent).map(({ execute }) => execute ?? '');
    giveUp.abort();
    await ended;
    await client.close();
    await jest.advanceTimersByTimeAsync(30_000);
    return sent === Infinity ? undefined : later;
  }

  it.each(Object.keys(TASKS))('%s leaves the VM as it is (T1)', async (name) => {
    const allowed = SENT_AFTERWARDS[name] ?? [];
    let steps = 0;
    for (let step = 1; step <= 20; step += 1) {
      const later = await sentAfter(TASKS[name] as Task, step);
      if (!later) break;
      steps = step;
      const acts = later.filter((command) => !command.startsWith('query-') && !allowed.includes(command));
      expect({ step, acts }).toEqual({ step, acts: [] });
    }
    expect(steps).toBeGreaterThan(0);
  });
});
