import { asyncScheduler, NEVER, of, Subject } from 'rxjs';
import { QmpClient, timeOf, type QmpClientOptions } from 'rx-qmp';
import { CommandError, eventAt, FakeQemu, qmpMarbles } from 'rx-qmp/testing';

const open: QmpClient[] = [];

/** A name that the types do not know to be a mistake. */
const anyName = (name: string): string => name;

async function connected(fake: FakeQemu, options?: QmpClientOptions): Promise<QmpClient> {
  const client = new QmpClient(fake.connector, options);
  open.push(client);
  await client.connect();
  return client;
}

afterEach(async () => {
  jest.useRealTimers();
  for (const client of open.splice(0)) await client.close();
});

describe('FakeQemu', () => {
  it('is synchronous: an event is heard when emit() returns', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const stops = client.listener('STOP');
    const event = fake.emit('STOP');

    expect(stops.history).toEqual([event]);
  });

  it('gives the same timestamps in each run, a millisecond apart', () => {
    const times = [new FakeQemu(), new FakeQemu()].map((fake) =>
      [fake.emit('STOP'), fake.emit('RESUME')].map((event) => timeOf(event).getTime()),
    );

    expect(times[0]).toEqual([1_700_000_000_000, 1_700_000_000_001]);
    expect(times[1]).toEqual(times[0]);
  });

  it('takes the time of a scheduler, so that virtual time drives it', async () => {
    const fake = new FakeQemu({ clock: asyncScheduler });
    const client = await connected(fake);
    qmpMarbles(({ at, expectObservable }) => {
      expectObservable(client.observe('STOP')).toBe('250ms s', { s: eventAt(250, 'STOP') });
      at(250, () => {
        fake.emit('STOP');
      });
    });
  });

  describe('on', () => {
    it('answers with a value, with what a function makes of the arguments, or with an error', async () => {
      const fake = new FakeQemu()
        .on('query-name', { name: 'vm1' })
        .on('device_del', ({ id }) => {
          if (id !== 'net0') throw new CommandError('DeviceNotFound', `Device '${id}' not found`);
          fake.emit('DEVICE_DELETED', { device: id, path: `/machine/peripheral/${id}` });
        })
        .on('query-pci', new Error('no bus'));
      const client = await connected(fake);
      const deleted = client.listener('DEVICE_DELETED');

      expect(await client.execute('query-name')).toEqual({ name: 'vm1' });
      expect(await client.execute('device_del', { id: 'net0' })).toEqual({});
      expect(deleted.size).toBe(1);
      await expect(client.execute('device_del', { id: 'x' })).rejects.toMatchObject({
        errorClass: 'DeviceNotFound',
        desc: "Device 'x' not found",
      });
      await expect(client.execute('query-pci')).rejects.toMatchObject({ errorClass: 'GenericError', desc: 'no bus' });
    });

    it('answers late by an Observable or a promise; what is in-band waits behind it, what is out of band does not', async () => {
      const late = new Subject<{ name: string }>();
      const fake = new FakeQemu().on('query-name', late).on('query-pci', Promise.resolve([]));
      const client = await connected(fake);
      const order: string[] = [];
      const all = Promise.all([
        client.execute('query-name').then(({ name }) => order.push(String(name))),
        client.execute('query-pci').then(() => order.push('in-band')),
        client.execute('query-yank', undefined, { oob: true }).then(() => order.push('out of band')),
      ]);
      await client.execute('query-yank', undefined, { oob: true });
      late.next({ name: 'late' });
      await all;

      expect(order).toEqual(['out of band', 'late', 'in-band']);
    });

    it('stops reading, out of band too, when 8 in-band commands wait, as QEMU does (C3)', async () => {
      const fake = new FakeQemu().on('query-name', NEVER);
      const connection = await fake.connector(new AbortController().signal);
      const heard: string[] = [];
      connection.incoming$.subscribe((chunk) => heard.push(String(chunk)));
      connection.send('{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}');
      const inBand = '{"execute": "query-name"}';
      connection.send(inBand.repeat(8));
      connection.send('{"exec-oob": "query-yank", "id": "first"}');
      connection.send(inBand);
      connection.send('{"exec-oob": "query-yank", "id": "second"}');

      expect(heard.join('')).toContain('first');
      expect(heard.join('')).not.toContain('second');
    });

    it('runs what comes after the reply after the reply', async () => {
      const fake = new FakeQemu().on('blockdev-backup', (_args, { afterReply }) => {
        const job = fake.jobs.start('backup0', 'backup');
        afterReply(() => {
          job.finish('No space left on device');
        });
      });
      const client = await connected(fake);
      const seen: unknown[] = [];
      client.messages$.subscribe((message) => {
        if ('return' in message) seen.push('reply');
        else if ('event' in message) seen.push((message.data as { status?: string }).status ?? message.event);
      });
      await client.execute('blockdev-backup', { device: 'a', target: 'b', sync: 'full', 'job-id': 'backup0' });

      expect(seen).toEqual(['created', 'running', 'reply', 'aborting', 'BLOCK_JOB_COMPLETED', 'concluded', 'null']);
    });
  });

  it('keeps what it was asked', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await client.execute('stop');

    expect(fake.received).toMatchObject([{ execute: 'qmp_capabilities' }, { execute: 'stop' }]);
  });

  it.each([1, 7, Infinity])('is understood in chunks of %d bytes', async (chunkSize) => {
    const fake = new FakeQemu({ chunkSize }).on('query-name', { name: 'zażółć 😀' });
    const client = await connected(fake);

    expect(await client.execute('query-name')).toEqual({ name: 'zażółć 😀' });
  });

  it('keeps messages whole that a client asks for in the middle of another', async () => {
    const fake = new FakeQemu({ chunkSize: 1 });
    const client = await connected(fake);
    client.observe('STOP').subscribe(() => fake.emit('RESUME'));
    fake.emit('STOP');

    expect(client.events.history.map(({ event }) => event)).toEqual(['STOP', 'RESUME']);
    expect(client.stats.faults).toBe(0);
  });

  it('sends rubbish on demand', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const diagnostics: string[] = [];
    client.diagnostics$.subscribe(({ kind }) => diagnostics.push(kind));
    fake.send('nonsense\r\n');
    fake.send(new Uint8Array([0xff, 0x0a]));

    expect(diagnostics).toEqual(['bad-line', 'bad-line']);
    expect(client.state.phase).toBe('ready');
  });

  it('goes silent: neither greets nor answers nor emits, until restart()', async () => {
    jest.useFakeTimers();
    const fake = new FakeQemu();
    const client = await connected(fake, { executeTimeout: 50 });
    fake.silence();
    const answer = client.execute('query-status');
    const unanswered = expect(answer).rejects.toMatchObject({ name: 'ExecTimeoutError' });
    const ungreeted = expect(new QmpClient(fake.connector, { connectTimeout: 50 }).connect()).rejects.toMatchObject({
      phase: 'negotiating',
    });
    fake.emit('STOP');
    await jest.advanceTimersByTimeAsync(50);
    await unanswered;
    await ungreeted;
    expect(client.events.history).toEqual([]);
    fake.restart();
    await client.connect();

    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
  });

  it('dies: the connection breaks, the next is refused; restart() makes a fresh one with the old script', async () => {
    const fake = new FakeQemu().on('query-name', { name: 'vm1' });
    const client = await connected(fake);
    await client.execute('stop');
    const waiting = client.execute$('query-name');
    fake.kill();

    expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    await expect(client.connect()).rejects.toMatchObject({ phase: 'connecting' });
    fake.restart();
    await client.connect();
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
    waiting.subscribe(({ name }) => {
      expect(name).toBe('vm1');
    });
  });

  it('serves a client that waited when the one before has left', async () => {
    const fake = new FakeQemu();
    const first = await connected(fake);
    const second = connected(fake);
    expect(fake.received).toHaveLength(1);
    await first.close();

    expect((await second).state.phase).toBe('ready');
  });

  it('says what to do about a command that it knows from a schema only', async () => {
    const schema = [
      { 'meta-type': 'command', name: 'x-new', 'arg-type': '0', 'ret-type': '0' },
      { 'meta-type': 'command', name: 'qmp_capabilities', 'arg-type': '1', 'ret-type': '0' },
    ] as const;
    const client = await connected(new FakeQemu({ schema }));
    const unlisted = anyName('x-new');

    await expect(client.execute(unlisted)).rejects.toThrow("script it: fake.on('x-new', …)");
  });

  it('greets as told: without oob, no command goes out of band', async () => {
    const version = { qemu: { major: 10, minor: 0, micro: 3 }, package: '' };
    const client = await connected(new FakeQemu({ greeting: { version, capabilities: [] } }));

    expect(client.greeting?.QMP.version).toEqual(version);
    await expect(client.execute('query-yank', undefined, { oob: true })).rejects.toMatchObject({ name: 'StateError' });
  });

  describe('a gap', () => {
    it('is told once, at running, before the first event of the new session; listeners stay (C8)', async () => {
      jest.useFakeTimers();
      const fake = new FakeQemu();
      const client = await connected(fake, { reconnect: { delay: () => 100 } });
      const seen: string[] = [];
      client.gaps$.subscribe(({ session, cause }) => seen.push(`gap before ${session}: ${String(cause?.name)}`));
      client.observe().subscribe(({ event }) => seen.push(event));
      fake.emit('STOP');
      fake.kill();
      fake.emit('RESUME');
      await jest.advanceTimersByTimeAsync(300);
      expect(seen).toEqual(['STOP']);
      fake.restart();
      await jest.advanceTimersByTimeAsync(100);
      fake.emit('POWERDOWN');

      expect(seen).toEqual(['STOP', 'gap before 2: DisconnectedError', 'POWERDOWN']);
    });

    it('of a QEMU that quit has no cause', async () => {
      jest.useFakeTimers();
      const fake = new FakeQemu();
      const client = await connected(fake, { reconnect: { delay: () => 100 } });
      const causes: unknown[] = [];
      client.gaps$.subscribe(({ cause }) => causes.push(cause));
      await client.execute('quit');
      fake.restart();
      await jest.advanceTimersByTimeAsync(100);

      expect(causes).toEqual([undefined]);
    });
  });

  it('refuses arguments and results that the schema maps do not have', () => {
    const fake = new FakeQemu();
    // @ts-expect-error -- a typo in its name
    fake.on('query-nane', {});
    // @ts-expect-error -- a name is a string
    fake.on('query-name', { name: 5 });
    // @ts-expect-error -- a list is wanted
    fake.on('query-block', {});
    // @ts-expect-error -- there is no such argument
    fake.on('device_del', ({ name }) => new Error(String(name)));
    // @ts-expect-error -- an event with data
    fake.emit('JOB_STATUS_CHANGE');
    // @ts-expect-error -- an event without data
    fake.emit('STOP', { reason: 'x' });
    fake.on('query-block', of([]));
    const vendor = anyName('X_VENDOR');
    fake.emit(vendor, { any: 'data' });
  });
});
