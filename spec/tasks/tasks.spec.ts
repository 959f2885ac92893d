import { lastValueFrom, NEVER, toArray } from 'rxjs';
import {
  eventAfter,
  followJob,
  followJobs,
  jobs$,
  migrate,
  pause,
  QmpClient,
  reset,
  resume,
  runJob,
  shutdown,
  typeText,
  unplug,
  waitForGuest,
  type JobProgress,
  type MigrationProgress,
  type QmpClientOptions,
} from 'rx-qmp';
import { CommandError, FakeQemu } from 'rx-qmp/testing';

const open: QmpClient[] = [];

/** In virtual time: no promise of the client waits for a timer. */
beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(async () => {
  for (const client of open.splice(0)) {
    expect(client.listeners).toEqual([client.events]);
    await client.close();
  }
  jest.useRealTimers();
});

async function connected(fake: FakeQemu, options?: QmpClientOptions): Promise<QmpClient> {
  const client = new QmpClient(fake.connector, options);
  open.push(client);
  await client.connect();
  return client;
}

const pass = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);
const sent = (fake: FakeQemu, command: string): number =>
  fake.received.filter(({ execute }) => execute === command).length;

describe('eventAfter', () => {
  it('hears an event that comes before the reply (T3)', async () => {
    const client = await connected(new FakeQemu());
    expect(await eventAfter(client, 'STOP', () => client.execute('stop'))).toMatchObject({ event: 'STOP' });
  });

  it('takes the first event that the filter accepts', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const heard = await eventAfter(
      client,
      'DEVICE_DELETED',
      () => {
        for (const device of ['a', 'b']) fake.emit('DEVICE_DELETED', { device, path: `/machine/peripheral/${device}` });
      },
      { filter: ({ data }) => data.device === 'b' },
    );
    expect(heard.data.device).toBe('b');
  });

  it('rejects with what the action rejects with, throws, or with the time-out', async () => {
    const client = await connected(new FakeQemu());
    await expect(eventAfter(client, 'STOP', () => client.execute('device_del', { id: 'fly' }))).rejects.toThrow(/fly/);
    const thrown = new Error('mine');
    await expect(
      eventAfter(client, 'STOP', () => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    const late = expect(
      eventAfter(client, 'STOP', () => new Promise(() => undefined), { timeout: 50 }),
    ).rejects.toMatchObject({ name: 'EventTimeoutError' });
    await pass(50);
    await late;
  });

  it('hears the SHUTDOWN of a QEMU that is gone in the same moment', async () => {
    const client = await connected(new FakeQemu());
    expect(await eventAfter(client, 'SHUTDOWN', () => client.execute('quit'))).toMatchObject({ event: 'SHUTDOWN' });
  });

  it('rejects when the session is lost, also where the client connects again (T2)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake, { reconnect: { delay: () => 10 } });
    const waiting = expect(eventAfter(client, 'STOP', () => undefined)).rejects.toMatchObject({
      name: 'DisconnectedError',
    });
    await pass(0);
    fake.restart();
    await waiting;
    await pass(10);
  });
});

describe('pause, resume, reset', () => {
  it('ask for the run state, since no event may come (T4)', async () => {
    const fake = new FakeQemu({ status: 'prelaunch' });
    const client = await connected(fake);
    await pause(client);
    await resume(client);
    await resume(client);
    expect(fake.status).toBe('running');
    fake.on('cont', {});
    fake.emit('SUSPEND');
    await expect(resume(client)).rejects.toThrow(/it is suspended/);
    fake.on('query-status', { running: false, status: 'inmigrate' });
    await resume(client);
    fake.on('query-status', { running: true, status: 'running' });
    await expect(pause(client)).rejects.toThrow(/runs again/);
  });

  it('reset waits for the RESET that it caused (T4)', async () => {
    const fake = new FakeQemu().on('system_reset', (_args, { afterReply }) => {
      fake.emit('RESET', { guest: true, reason: 'guest-reset' });
      afterReply(() => {
        setTimeout(() => {
          fake.emit('RESET', { guest: false, reason: 'host-qmp-system-reset' });
        }, 100);
      });
    });
    const client = await connected(fake);
    const done = jest.fn();
    const resetting = reset(client).then(done);
    await pass(99);
    expect(done).not.toHaveBeenCalled();
    await pass(1);
    await resetting;
  });

  it('reset says so where QEMU shuts down instead', async () => {
    const fake = new FakeQemu().on('system_reset', () => {
      fake.emit('SHUTDOWN', { guest: false, reason: 'host-qmp-system-reset' });
    });
    await expect(reset(await connected(fake))).rejects.toMatchObject({ name: 'ShutdownError' });
  });
});

describe('shutdown', () => {
  const guestThatFeels = (nth: number): FakeQemu => {
    const fake: FakeQemu = new FakeQemu().on('system_powerdown', (_args, { afterReply }) => {
      fake.emit('POWERDOWN');
      if (sent(fake, 'system_powerdown') < nth) return;
      afterReply(() => {
        fake.emit('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
      });
    });
    return fake;
  };

  it('presses the button again each 10 s, since a booting guest ignores it (T5)', async () => {
    const fake = guestThatFeels(3);
    const done = jest.fn();
    const ending = shutdown(await connected(fake)).then(done);
    await pass(19_999);
    expect([sent(fake, 'system_powerdown'), done.mock.calls.length]).toEqual([2, 0]);
    await pass(1);
    await ending;
    expect(done).toHaveBeenCalledWith('guest');
  });

  it('resumes a paused VM first (T5)', async () => {
    const fake = guestThatFeels(1);
    const client = await connected(fake);
    fake.emit('STOP');
    expect(await shutdown(client)).toBe('guest');
    expect(sent(fake, 'cont')).toBe(1);
  });

  it('quits, or fails, when the grace is over (T5)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const failing = expect(shutdown(client, { grace: 15_000, then: 'fail' })).rejects.toThrow(/within 15000 ms/);
    await pass(15_000);
    await failing;
    expect(sent(fake, 'quit')).toBe(0);
    const ending = shutdown(client, { grace: 5_000 });
    await pass(5_000);
    expect(await ending).toBe('quit');
  });

  it('does not wait for a VM that cannot be resumed', async () => {
    const fake = new FakeQemu().on(
      'cont',
      new CommandError('GenericError', 'Resetting the Virtual Machine is required'),
    );
    const client = await connected(fake);
    fake.emit('STOP');
    await expect(shutdown(client, { then: 'fail' })).rejects.toThrow(/Resetting the Virtual Machine is required/);
    expect(await shutdown(client)).toBe('quit');
  });

  it('knows a guest that has shut down already, under -no-shutdown', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    fake.emit('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    expect(await shutdown(client)).toBe('guest');
    expect(sent(fake, 'system_powerdown')).toBe(0);
  });

  it('takes a SHUTDOWN for its end where the session is lost right behind it, and a bare loss for none (T2)', async () => {
    const fake: FakeQemu = new FakeQemu().on('system_powerdown', () => {
      fake.emit('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
      fake.kill();
    });
    expect(await shutdown(await connected(fake))).toBe('guest');
    const other: FakeQemu = new FakeQemu().on('system_powerdown', () => {
      other.kill();
    });
    await expect(shutdown(await connected(other))).rejects.toMatchObject({
      name: expect.stringMatching(/^(ExecInterrupted|Disconnected)Error$/) as string,
    });
  });
});

describe('unplug', () => {
  it('takes neither a child of the device nor another device for it', async () => {
    const fake = new FakeQemu();
    fake.devices.add('nic0');
    fake.devices.add('nic1', 'is silent');
    const client = await connected(fake);
    await unplug(client, 'nic0');
    const done = jest.fn();
    const waiting = unplug(client, 'nic1').then(done);
    await pass(0);
    fake.emit('DEVICE_DELETED', { path: '/machine/peripheral/nic1/virtio-backend' });
    fake.emit('DEVICE_DELETED', { device: 'nic0', path: '/machine/peripheral/nic0' });
    await pass(0);
    expect(done).not.toHaveBeenCalled();
    fake.devices.remove('nic1');
    await waiting;
  });

  it('joins a request that is under way (T7)', async () => {
    const fake = new FakeQemu();
    fake.devices.add('nic0', 'is silent');
    const client = await connected(fake);
    const both = Promise.all([unplug(client, 'nic0'), unplug(client, 'nic0')]);
    await pass(0);
    fake.devices.remove('nic0');
    await both;
    expect(sent(fake, 'device_del')).toBe(2);
  });

  it('fails where the guest refuses, by whichever event it says so', async () => {
    const fake = new FakeQemu();
    fake.devices.add('dimm0', 'refuses');
    fake.devices.add('nic0', 'is silent');
    const client = await connected(fake);
    const refused = { name: 'UnplugError', device: 'dimm0', desc: 'it is in use by an application' };
    await expect(unplug(client, 'dimm0')).rejects.toMatchObject(refused);
    for (const tell of [
      () => fake.emit('DEVICE_UNPLUG_GUEST_ERROR', { device: 'nic0', path: '/machine/peripheral/nic0' }),
      () => fake.emit('MEM_UNPLUG_ERROR', { device: 'nic0', msg: 'memory is busy' }),
    ]) {
      const failing = expect(unplug(client, 'nic0')).rejects.toMatchObject({ name: 'UnplugError', device: 'nic0' });
      await pass(0);
      tell();
      await failing;
    }
  });

  it('fails with the words of QEMU, and with a time-out', async () => {
    const fake = new FakeQemu();
    fake.devices.add('nic0', 'is silent');
    const client = await connected(fake);
    await expect(unplug(client, 'none')).rejects.toMatchObject({ name: 'ExecuteError', errorClass: 'DeviceNotFound' });
    const late = expect(unplug(client, 'nic0', { timeout: 1_000 })).rejects.toMatchObject({
      name: 'EventTimeoutError',
    });
    await pass(1_000);
    await late;
  });
});

describe('waitForGuest', () => {
  it('asks, on each VSERPORT_CHANGE and each second, until the port is open (T3)', async () => {
    let isOpen = false;
    const fake = new FakeQemu().on('query-chardev', () => [
      { label: 'qga', filename: 'unix:', 'frontend-open': isOpen },
    ]);
    const client = await connected(fake);
    const waiting = waitForGuest(client, 'qga');
    await pass(2_500);
    expect(sent(fake, 'query-chardev')).toBe(3);
    isOpen = true;
    fake.emit('VSERPORT_CHANGE', { id: 'port0', open: true });
    await waiting;
    await expect(waitForGuest(client, 'none')).rejects.toThrow(/no chardev 'none'; there are qga/);
  });
});

describe('typeText', () => {
  it('sends one chord at a time, 40 ms apart, and nothing of a text it cannot type (T6)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await expect(typeText(client, 'secret é')).rejects.toThrow(
      /^the US layout has no key for character 8, U\+00E9; give a layout that has$/,
    );
    expect(sent(fake, 'send-key')).toBe(0);
    const typing = typeText(client, 'A-\n');
    await pass(39);
    expect(sent(fake, 'send-key')).toBe(1);
    await pass(81);
    await typing;
    const chords = fake.received
      .filter(({ execute }) => execute === 'send-key')
      .map(({ arguments: args }) => (args as { keys: { data: string }[] }).keys.map(({ data }) => data).join('-'));
    expect(chords).toEqual(['shift-a', 'minus', 'ret']);
  });

  it('types by a table', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const typing = typeText(client, 'ü', { layout: { ü: 'bracket_left' } });
    await pass(40);
    await typing;
    expect(sent(fake, 'send-key')).toBe(1);
  });
});

describe('followJob', () => {
  const progressOf = (seen: readonly JobProgress[]): string[] =>
    seen.map(({ status, current, total }) => `${status} ${current}/${total}`);

  it('emits each status once, and progress while it runs', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const following = lastValueFrom(
      followJob(client, 'm', () => Promise.resolve(fake.jobs.start('m', 'mirror')), { whenReady: 'complete' }).pipe(
        toArray(),
      ),
    );
    await pass(0);
    const job = fake.jobs.find('m', 'pause');
    job.progress(50, 100);
    await pass(500);
    fake.on('job-complete', (_args, { afterReply }) => {
      afterReply(() => {
        setTimeout(() => {
          job.finish();
        }, 2_000);
      });
    });
    job.ready();
    await pass(1_000);
    job.progress(99, 120); // a mirror goes on while it is ready
    await pass(1_000);
    expect(progressOf(await following)).toEqual([
      'created 0/0',
      'running 0/0',
      'running 0/1',
      'running 50/100',
      'ready 50/100',
      'waiting 99/120',
      'pending 99/120',
      'concluded 120/120',
    ]);
    expect(sent(fake, 'job-complete')).toBe(1);
  });

  it('goes on after a reconnect, also where the loss took the reply of the start (T2)', async () => {
    const fake = new FakeQemu().on('blockdev-create', NEVER);
    const client = await connected(fake, { reconnect: { delay: () => 100 } });
    const result = runJob(
      client,
      'c',
      () => {
        const reply = client.execute('blockdev-create', {
          'job-id': 'c',
          options: { driver: 'file', filename: 'x', size: 1 },
        });
        fake.restart();
        fake.jobs.start('c', 'create', { autoDismiss: false });
        return reply;
      },
      { dismiss: true },
    );
    await pass(100);
    fake.jobs.find('c', 'pause').finish();
    expect(await result).toEqual({ id: 'c', type: 'create' });
    expect(fake.jobs.list).toEqual([]);
  });

  it('cancels the job when it is left, where it is told to', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const start = (): Promise<unknown> => Promise.resolve(fake.jobs.start('b', 'backup'));
    const leaving = new AbortController();
    const running = runJob(client, 'b', start, { signal: leaving.signal, onUnsubscribe: 'cancel' });
    const aborted = expect(running).rejects.toBe('enough');
    await pass(0);
    leaving.abort('enough');
    await aborted;
    await pass(0);
    expect(fake.jobs.list).toEqual([]);
  });

  it('starts nothing for whoever left at once', async () => {
    const client = await connected(new FakeQemu());
    const start = jest.fn(() => Promise.resolve());
    followJob(client, 'x', start).subscribe().unsubscribe();
    await pass(0);
    expect(start).not.toHaveBeenCalled();
  });

  it('rejects with what onProgress throws', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const oops = new Error('oops');
    await expect(
      runJob(client, 'b', () => Promise.resolve(fake.jobs.start('b', 'backup')), {
        onProgress: () => {
          throw oops;
        },
      }),
    ).rejects.toBe(oops);
  });

  it('several wait for all, start once, and fail with the cause', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const start = jest.fn(() => {
      for (const id of ['a', 'b']) fake.jobs.start(id, 'backup');
      return Promise.resolve();
    });
    const failing = expect(lastValueFrom(followJobs(client, ['a', 'b'], start))).rejects.toMatchObject({
      name: 'JobError',
      job: 'b',
      desc: 'No space left on device',
    });
    await pass(0);
    fake.jobs.find('a', 'cancel').cancel();
    fake.jobs.find('b', 'cancel').finish('No space left on device');
    await failing;
    expect(start).toHaveBeenCalledTimes(1);
  });
});

describe('jobs$', () => {
  it('asks while a job is at work, and not when none is; goes on after a reconnect (T2)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake, { reconnect: { delay: () => 100 } });
    const seen: string[] = [];
    const watching = jobs$(client).subscribe((jobs) =>
      seen.push(jobs.map((job) => `${job.id} ${job.status} ${job['current-progress']}`).join()),
    );
    await pass(10_000);
    expect(sent(fake, 'query-jobs')).toBe(1);
    const job = fake.jobs.start('b', 'backup');
    await pass(0);
    job.progress(5, 9);
    await pass(1_000);
    fake.restart();
    await pass(100);
    expect(seen).toEqual(['', 'b running 0', 'b running 5', '']);
    watching.unsubscribe();
  });
});

describe('migrate', () => {
  const follow = (progress$: ReturnType<typeof migrate>): { seen: MigrationProgress[]; end: Promise<unknown> } => {
    const seen: MigrationProgress[] = [];
    const end = new Promise((resolve, reject) => {
      progress$.subscribe({
        next: (one) => seen.push(one),
        error: reject,
        complete: () => {
          resolve(undefined);
        },
      });
    });
    end.catch(() => undefined);
    return { seen, end };
  };
  const uri = 'unix:/x';

  it('fails as refused where the answer to its own question comes in the same moment as the refusal', async () => {
    const fake = new FakeQemu()
      .on('migrate', () => {
        // Makes the task ask; QEMU answers both at once.
        fake.emit('MIGRATION', { status: 'failed' });
        return new CommandError('GenericError', 'unknown migration protocol: nonsense');
      })
      .on('query-migrate', { status: 'failed', 'error-desc': 'of the migration before' });
    const client = await connected(fake);
    const { seen, end } = follow(migrate(client, { uri: 'nonsense' }));
    await expect(end).rejects.toMatchObject({ name: 'ExecuteError', desc: 'unknown migration protocol: nonsense' });
    expect(seen).toEqual([]);
  });

  it('tells each status and the memory that flows, and puts the capability back', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const { seen, end } = follow(migrate(client, { uri }));
    await pass(0);
    fake.migration.progress(10, 90, 100);
    await pass(500);
    fake.migration.reach('postcopy-paused');
    await pass(5_000);
    fake.migration.complete(7);
    await end;
    expect(seen.map(({ status }) => status)).toEqual(['active', 'active', 'postcopy-paused', 'completed']);
    expect(seen.at(-1)).toEqual({
      status: 'completed',
      ram: { transferred: 10, remaining: 90, total: 100 },
      downtime: 7,
    });
    expect(await client.execute('query-migrate-capabilities')).toContainEqual({ capability: 'events', state: false });
  });

  it('fails with the words of QEMU, where it has any', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const first = follow(migrate(client, { uri }));
    await pass(0);
    fake.migration.fail('Unable to write');
    await expect(first.end).rejects.toMatchObject({
      name: 'MigrationError',
      status: 'failed',
      desc: 'Unable to write',
    });
    const second = follow(migrate(client, { uri }));
    await pass(0);
    await client.execute('migrate_cancel');
    await expect(second.end).rejects.toMatchObject({ name: 'MigrationError', status: 'cancelled' });
  });

  it('does not take what an earlier migration has left for its own end', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    fake.migration.fail('long ago');
    const { seen, end } = follow(migrate(client, { uri }));
    await pass(0);
    expect(seen.map(({ status }) => status)).toEqual(['active']);
    fake.migration.complete();
    await end;
  });

  it('is cancelled by unsubscribing, but not where the VM runs at the other side already', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const first = migrate(client, { uri }).subscribe();
    await pass(0);
    first.unsubscribe();
    await pass(100);
    expect(fake.migration.status).toBe('cancelled');
    expect(await client.execute('query-migrate-capabilities')).toContainEqual({ capability: 'events', state: false });
    const second = migrate(client, { uri }).subscribe();
    await pass(0);
    fake.migration.reach('postcopy-active');
    await pass(0);
    second.unsubscribe();
    await pass(100);
    expect(fake.migration.status).toBe('postcopy-active');
  });

  it('goes on after a reconnect (T2)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake, { reconnect: { delay: () => 100 } });
    const { seen, end } = follow(migrate(client, { uri }));
    await pass(0);
    fake.restart();
    fake.on('query-migrate', { status: 'completed', downtime: 3 });
    await pass(100);
    await end;
    expect(seen.map(({ status }) => status)).toEqual(['active', 'completed']);
  });

  it('fails when the session ends and there is no other (T2)', async () => {
    const client = await connected(new FakeQemu());
    const { end } = follow(migrate(client, { uri }));
    await pass(0);
    await client.disconnect();
    await expect(end).rejects.toMatchObject({ name: 'DisconnectedError' });
  });

  it('wants one address', async () => {
    const client = await connected(new FakeQemu());
    expect(() => migrate(client, {})).toThrow(TypeError);
    expect(() => migrate(client, { uri, channels: [] })).toThrow(TypeError);
  });
});
