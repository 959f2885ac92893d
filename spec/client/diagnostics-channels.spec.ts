import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { ExecuteError, QmpClient, type ConnectTrace, type ExecuteTrace, type SessionEndTrace } from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';

describe("Node's diagnostics channels", () => {
  let client: QmpClient;
  let fake: FakeQemu;
  let leave: (() => void)[];

  beforeEach(() => {
    fake = new FakeQemu();
    client = new QmpClient(fake.connector, { name: 'vm1' });
    leave = [];
  });
  afterEach(async () => {
    await client.close();
    for (const each of leave) each();
  });

  /** What is published of one kind, as `[phase, message]`. */
  function watch<T extends object>(name: string): [phase: string, message: T & { error?: Error }][] {
    const told: [string, T][] = [];
    const note =
      (phase: string) =>
      (message: object): void => {
        told.push([phase, message as T]);
      };
    const subscribers = {
      start: note('start'),
      end: note('end'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
      error: note('error'),
    };
    const watched = tracingChannel(name);
    watched.subscribe(subscribers);
    leave.push(() => {
      watched.unsubscribe(subscribers);
    });
    return told;
  }

  function watchEnds(): SessionEndTrace[] {
    const told: SessionEndTrace[] = [];
    const note = (message: unknown): void => {
      told.push(message as SessionEndTrace);
    };
    subscribe('rx-qmp:session-end', note);
    leave.push(() => unsubscribe('rx-qmp:session-end', note));
    return told;
  }

  const phases = (told: readonly (readonly [phase: string, message: unknown])[]): string[] =>
    told.map(([phase]) => phase);

  it('tell of a command from its start to its reply', async () => {
    await client.connect();
    const told = watch<ExecuteTrace>('rx-qmp:execute');
    await expect(client.execute('query-status')).resolves.toMatchObject({ status: 'running' });
    expect(phases(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(told[0]?.[1]).toMatchObject({ client: 'vm1', command: 'query-status', oob: false });
  });

  it('tell why a command failed, which rejects as before', async () => {
    await client.connect();
    const told = watch<ExecuteTrace>('rx-qmp:execute');
    await expect(client.execute('device_del', { id: 'nic0' })).rejects.toThrow(ExecuteError);
    expect(phases(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(told.at(-1)?.[1].error).toBeInstanceOf(ExecuteError);
  });

  it('tell neither arguments nor results (C9)', async () => {
    fake.on('human-monitor-command', 'the result');
    await client.connect();
    const told = watch<ExecuteTrace>('rx-qmp:execute');
    await client.execute('human-monitor-command', { 'command-line': 'the argument' });
    expect(told).toHaveLength(4);
    for (const [, message] of told) {
      expect(Object.values(message)).toEqual(['vm1', 'human-monitor-command', false, undefined]);
    }
  });

  it("run the subscriber's start in the context of who called", async () => {
    await client.connect();
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = (): void => {
      seen.push(request.getStore());
    };
    subscribe('tracing:rx-qmp:execute:start', note);
    leave.push(() => unsubscribe('tracing:rx-qmp:execute:start', note));
    await request.run('one', () => client.execute('query-status'));
    await request.run('two', () => client.execute('query-status'));
    expect(seen).toEqual(['one', 'two']);
  });

  it('tell of each attempt to connect, and how it ended', async () => {
    const told = watch<ConnectTrace>('rx-qmp:connect');
    await client.connect();
    await new Promise(setImmediate);
    expect(phases(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(told[0]?.[1]).toMatchObject({ client: 'vm1', attempt: 1 });
    told.length = 0;
    await client.disconnect();
    fake.kill();
    await expect(client.connect()).rejects.toThrow('ECONNREFUSED');
    await new Promise(setImmediate);
    expect(phases(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(told.at(-1)?.[1].error?.message).toContain('ECONNREFUSED');
  });

  it('tell of an attempt that the program gave up', async () => {
    fake.silence();
    const told = watch<ConnectTrace>('rx-qmp:connect');
    const connecting = client.connect();
    await client.disconnect();
    await expect(connecting).rejects.toThrow('disconnected by the program');
    await new Promise(setImmediate);
    expect(phases(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(told.at(-1)?.[1].error?.message).toBe('vm1: disconnected by the program');
  });

  it('tell of the attempts after a loss, and of the loss', async () => {
    const connects = watch<ConnectTrace>('rx-qmp:connect');
    const ends = watchEnds();
    client = new QmpClient(fake.connector, { name: 'vm1', reconnect: { delay: () => 0 } });
    await client.connect();
    const { since } = client.state as { since?: Date };
    const again = new Promise<void>((resolve) => {
      client.state$.subscribe((state) => {
        if (state.phase === 'ready' && state.session === 2) resolve();
      });
    });
    fake.restart();
    await again;
    await new Promise(setImmediate);
    expect(connects.filter(([phase]) => phase === 'asyncEnd')).toHaveLength(2);
    expect(ends).toEqual([{ client: 'vm1', session: 1, since, cause: expect.any(Error) as Error }]);
  });

  it('tell of an end in good order, and what QEMU said of it', async () => {
    const ends = watchEnds();
    await client.connect();
    await client.execute('quit');
    expect(ends).toEqual([
      {
        client: 'vm1',
        session: 1,
        since: expect.any(Date) as Date,
        shutdown: { guest: false, reason: 'host-qmp-quit' },
      },
    ]);
  });

  it('cost nothing where nobody subscribes', async () => {
    const anyChannel = Object.getPrototypeOf(tracingChannel('rx-qmp:execute')) as ReturnType<typeof tracingChannel>;
    const trace = jest.spyOn(anyChannel, 'tracePromise');
    leave.push(() => {
      trace.mockRestore();
    });
    await client.connect();
    await client.execute('query-status');
    expect(trace).not.toHaveBeenCalled();
    watch('rx-qmp:execute');
    await client.execute('query-status');
    expect(trace).toHaveBeenCalledTimes(1);
  });

  it('are not missed in a browser', async () => {
    const found = Object.getOwnPropertyDescriptor(process, 'getBuiltinModule') ?? {};
    Reflect.deleteProperty(process, 'getBuiltinModule');
    leave.push(() => Object.defineProperty(process, 'getBuiltinModule', found));
    await jest.isolateModulesAsync(async () => {
      const page = await import('rx-qmp');
      client = new page.QmpClient(fake.connector);
      const told = watch('rx-qmp:execute');
      await client.connect();
      await client.execute('query-status');
      expect(told).toEqual([]);
    });
  });
});
