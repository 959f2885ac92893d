import { backoff, ConnectError, DisconnectedError, QmpClient, type Gap, type ReconnectPolicy } from 'rx-qmp';
import { namesIn } from '../support/bus-events.js';
import { greeting } from '../support/scripted-server.js';
import { collect, connected, Wire } from '../support/wire.js';

/** Tries again at once, so often. */
function atOnce(times = Infinity): ReconnectPolicy & { readonly asked: [number, string][] } {
  const asked: [number, string][] = [];
  return {
    asked,
    delay: (attempt, cause) => {
      asked.push([attempt, cause.message]);
      return asked.length > times ? null : 0;
    },
  };
}

describe('QmpClient', () => {
  describe('over several sessions', () => {
    it('keeps registrations, unread events and histories (C8, rows 25 and 27)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const listener = client.listener('STOP');
      for (const number of [1, 2, 3]) {
        const greeted = client.connect();
        const line = await wire.line(number);
        line.handshake();
        await greeted;
        line.emit('STOP');
        await client.disconnect();
      }
      expect([listener.size, listener.history.length, client.events.size]).toEqual([3, 3, 3]);
      await client.close();
    });

    it('lets no listener serve two clients (row 26)', async () => {
      const [one, two] = [await connected(), await connected({ name: 'two' })];
      const listener = one.client.listener('STOP');
      expect(() => {
        two.client.registerListener(listener);
      }).toThrow(/two: .*registered already, with wire/);
      one.line.emit('STOP');
      two.line.emit('STOP');
      expect(listener.size).toBe(1);
      await one.client.close();
      await two.client.close();
    });

    it('begins each with fresh ids and without the replies of the one before (C4)', async () => {
      const { client, wire } = await connected();
      const pending = client.execute('query-name');
      await client.disconnect();
      await expect(pending).rejects.toMatchObject({ name: 'ExecInterruptedError' });
      const again = client.connect();
      const line = await wire.line(2);
      line.handshake();
      await again;
      expect(line.sent.map(({ id }) => id)).toEqual([1]);
      await client.close();
    });
  });

  describe('gaps$', () => {
    it('tells of a gap once, at running, with the cause of the loss (C8)', async () => {
      const { client, line, wire } = await connected();
      const gaps = collect(client.gaps$);
      const before = Date.now();
      line.break();
      expect(gaps).toEqual([]);
      const again = client.connect();
      (await wire.line(2)).handshake();
      await again;
      expect(gaps).toMatchObject([{ session: 2, cause: { name: 'DisconnectedError' } }]);
      const { since, until } = gaps[0] as Gap;
      expect(since.getTime()).toBeGreaterThanOrEqual(before);
      expect(until.getTime()).toBeGreaterThanOrEqual(since.getTime());
      await client.close();
    });

    it('has no cause after an orderly end, whoever ended it (C8)', async () => {
      const { client, line, wire } = await connected();
      const gaps = collect(client.gaps$);
      await client.disconnect();
      const second = client.connect();
      (await wire.line(2)).handshake();
      await second;
      (await wire.line(2)).emit('SHUTDOWN', { guest: false, reason: 'host-signal' });
      (await wire.line(2)).end();
      const third = client.connect();
      (await wire.line(3)).handshake();
      await third;
      expect(gaps.map((gap) => [gap.session, 'cause' in gap])).toEqual([
        [2, false],
        [3, false],
      ]);
      expect(line.closed).toBe(1);
      await client.close();
    });

    it('tells before the first event of the new session reaches a listener (C8)', async () => {
      const { client, line, wire } = await connected({ reconnect: atOnce() });
      const seen: string[] = [];
      client.gaps$.subscribe(({ session }) => seen.push(`gap ${session}`));
      client.listener().events$.subscribe(({ event }) => seen.push(event));
      client.state$.subscribe(({ phase }) => seen.push(phase));
      line.emit('STOP');
      line.break();
      const second = await wire.line(2);
      second.emit('EARLY');
      second.receive(greeting());
      second.emit('BETWEEN');
      second.reply();
      second.emit('LATE');
      expect(seen).toEqual([
        ...['ready', 'STOP', 'reconnecting', 'connecting', 'negotiating'],
        ...['gap 2', 'EARLY', 'BETWEEN', 'ready', 'LATE'],
      ]);
      await client.close();
    });
  });

  describe('with reconnect', () => {
    it('keeps listeners, views and waiting readers attached through the gap (C8)', async () => {
      const { client, line, wire } = await connected({ reconnect: atOnce() });
      const listener = client.listener('STOP');
      const viewed = collect(client.observe('STOP'));
      const reading = listener.get();
      const next = client.listener('STOP').iterate().next();
      line.break();
      expect(client.state).toMatchObject({ phase: 'reconnecting', attempt: 2, cause: { name: 'DisconnectedError' } });
      const second = await wire.line(2);
      second.handshake();
      second.emit('STOP');
      expect((await reading).event).toBe('STOP');
      expect((await next).value).toMatchObject({ event: 'STOP' });
      expect(namesIn(viewed)).toEqual(['STOP']);
      expect(client.stats).toMatchObject({ reconnects: 1 });
      await client.close();
    });

    it('interrupts the commands all the same, and sends none later (C4, C8)', async () => {
      const { client, line, wire } = await connected({ reconnect: atOnce() });
      const pending = client.execute('query-name');
      line.break();
      await expect(pending).rejects.toMatchObject({ name: 'ExecInterruptedError' });
      const second = await wire.line(2);
      second.handshake();
      expect(second.sent).toHaveLength(1);
      await client.close();
    });

    it('tries again after an orderly end, too (C7)', async () => {
      const policy = atOnce();
      const { client, line, wire } = await connected({ reconnect: policy });
      const quit = client.execute('quit');
      line.reply();
      await quit;
      line.end();
      expect(policy.asked).toEqual([[2, 'wire: QEMU has quit']]);
      (await wire.line(2)).handshake();
      expect(client.state).toMatchObject({ phase: 'ready', session: 2 });
      await client.close();
    });

    it('covers the first attempt: connect() settles when it succeeds, or when the policy gives up (C8)', async () => {
      const policy = atOnce(2);
      let attempts = 0;
      const client = new QmpClient(() => Promise.reject(new Error(`refused ${(attempts += 1)}`)), {
        name: 'vm',
        reconnect: policy,
      });
      const states = collect(client.state$);
      const error = (await client.connect().catch((reason: unknown) => reason)) as ConnectError;
      expect(error).toBeInstanceOf(ConnectError);
      expect(error.message).toContain('refused 3');
      expect(policy.asked).toEqual([
        [2, 'cannot connect to vm: refused 1'],
        [3, 'cannot connect to vm: refused 2'],
        [4, 'cannot connect to vm: refused 3'],
      ]);
      expect(states.map((state) => ('attempt' in state ? `${state.phase} ${state.attempt}` : state.phase))).toEqual([
        ...['idle', 'connecting 1', 'reconnecting 2', 'connecting 2', 'reconnecting 3', 'connecting 3', 'closed'],
      ]);
      await client.close();
    });

    it('leaves nothing going on when the last caller of the first attempt leaves (C2, C8)', async () => {
      let attempts = 0;
      const client = new QmpClient(() => Promise.reject(new Error(`refused ${(attempts += 1)}`)), {
        reconnect: { delay: () => 60_000 },
      });
      const controller = new AbortController();
      const caller = client.connect({ signal: controller.signal });
      client.state$.subscribe(({ phase }) => {
        if (phase === 'reconnecting') controller.abort(new Error('enough'));
      });
      await expect(caller).rejects.toThrow('enough');
      expect([client.state, attempts]).toEqual([{ phase: 'closed' }, 1]);
    });

    it('lets a caller wait for the next session without ending it when it leaves (C2)', async () => {
      const { client, line, wire } = await connected({ reconnect: atOnce() });
      line.break();
      const controller = new AbortController();
      const leaving = client.connect({ signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(leaving).rejects.toThrow('enough');
      const waiting = client.connect();
      (await wire.line(2)).handshake();
      await expect(waiting).resolves.toHaveProperty('QMP');
      await client.close();
    });

    it('ends the listeners when the policy gives up after a session (C8, B8)', async () => {
      const { client, line } = await connected({ reconnect: { delay: () => null } });
      const reading = client.listener('STOP').get();
      line.break();
      await expect(reading).rejects.toBeInstanceOf(DisconnectedError);
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
      await client.close();
    });

    it('goes on counting attempts after a session that was not steady (C15)', async () => {
      const policy = atOnce();
      const { client, line, wire } = await connected({ reconnect: policy });
      line.break();
      const second = await wire.line(2);
      second.handshake();
      second.break();
      (await wire.line(3)).handshake();
      expect(policy.asked.map(([attempt]) => attempt)).toEqual([2, 3]);
      await client.close();
    });

    it('counts attempts from 1 again after a session that was steady (C8, C15)', async () => {
      const policy = { ...atOnce(), steadyAfter: 0 };
      const { client, line, wire } = await connected({ reconnect: policy });
      line.break();
      (await wire.line(2)).break();
      const third = await wire.line(3);
      third.handshake();
      third.break();
      (await wire.line(4)).handshake();
      expect(policy.asked.map(([attempt]) => attempt)).toEqual([1, 2, 1]);
      expect(client.state).toMatchObject({ phase: 'ready', session: 3 });
      await client.close();
    });

    it.each<[string, () => number | null]>([
      [
        'throws',
        (): number => {
          throw new Error('policy');
        },
      ],
      ['gives NaN', (): number => NaN],
      ['gives a negative time', (): number => -1],
      ['gives nothing usable', (): number => 'soon' as never],
    ])('gives up, with a diagnostic, when the policy %s (C8)', async (_name, delay) => {
      const { client, line } = await connected({ reconnect: { delay } });
      const diagnostics = collect(client.diagnostics$);
      line.break();
      expect(diagnostics).toMatchObject([{ kind: 'policy-fault' }]);
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
      await client.close();
    });

    it('takes an endless delay for giving up', async () => {
      const { client, line } = await connected({ reconnect: { delay: () => Infinity } });
      line.break();
      expect(client.state.phase).toBe('closed');
      await client.close();
    });

    it('stops at disconnect() and close() while it waits, and leaves no timer (C7)', async () => {
      for (const end of ['disconnect', 'close'] as const) {
        const { client, line } = await connected({ reconnect: { delay: () => 60_000 } });
        const reading = client.listener('STOP').get();
        line.break();
        const waiting = client.connect();
        await client[end]();
        await expect(waiting).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'StateError' } });
        await expect(reading).rejects.toBeInstanceOf(DisconnectedError);
        expect(client.state).toEqual({ phase: 'closed' });
      }
    });

    it('stops at a disconnect() from inside the policy or from inside the change of state (C7)', async () => {
      const { client, line } = await connected({
        reconnect: {
          delay: () => {
            void client.disconnect();
            return 60_000;
          },
        },
      });
      line.break();
      expect(client.state).toEqual({ phase: 'closed' });
      const other = await connected({ reconnect: { delay: () => 60_000 } });
      other.client.state$.subscribe(({ phase }) => {
        if (phase === 'reconnecting') void other.client.disconnect();
      });
      other.line.break();
      expect(other.client.state).toEqual({ phase: 'closed' });
    });

    it('takes a policy for what it is, steadyAfter included (C15)', () => {
      expect(backoff({ to: 5_000 })).toHaveProperty('steadyAfter', 5_000);
      const reconnect = { delay: () => 0, steadyAfter: -1 };
      expect(() => new QmpClient(new Wire().connector, { reconnect })).toThrow(RangeError);
    });

    it('waits as backoff() says', async () => {
      const { client, line } = await connected({ reconnect: { ...backoff(), steadyAfter: 0 } });
      const before = Date.now();
      line.break();
      const { state } = client;
      if (state.phase !== 'reconnecting') throw new Error(state.phase);
      expect(state.retryAt.getTime() - before).toBeGreaterThanOrEqual(50);
      expect(state.retryAt.getTime() - Date.now()).toBeLessThanOrEqual(100);
      await client.close();
    });
  });

  describe('stats', () => {
    it('counts events, replies, bytes, faults, drops, listeners and what is pending', async () => {
      const { client, line } = await connected();
      const before = client.stats;
      client.listener(null, undefined, { queueLimit: 1 });
      const refused = client.execute('cont');
      const pending = client.execute('stop');
      line.refuse('no', line.sent[1]);
      await expect(refused).rejects.toThrow('no');
      const warn = jest.spyOn(console, 'warn').mockImplementation();
      line.receive('rubbish\n', '{"event":"A"}\n{"event":"B"}\n');
      warn.mockRestore();
      expect(client.stats).toEqual({
        events: 2,
        replies: before.replies + 1,
        bytes: expect.any(Number) as number,
        faults: 1,
        drops: 1,
        queueHighWater: 1,
        reconnects: 0,
        listeners: 2,
        pending: 1,
      });
      expect(client.stats.bytes - before.bytes).toBeGreaterThan(30);
      await client.close();
      await expect(pending).rejects.toThrow();
    });

    it('remembers what the queues of removed listeners held and dropped, and leaves out the built-in window', async () => {
      const { client, line } = await connected({ events: { queueLimit: 1 } });
      const narrow = client.listener('STOP', undefined, { queueLimit: 2 });
      const wide = client.listener('RESUME');
      line.receive(...Array<string>(3).fill('{"event":"STOP"}\n'), ...Array<string>(5).fill('{"event":"RESUME"}\n'));
      expect(client.stats).toMatchObject({ drops: 1, queueHighWater: 5 });
      await wide.get();
      wide.clear();
      narrow.close();
      wide.close();
      expect(client.stats).toMatchObject({ drops: 1, queueHighWater: 5 });
      client.registerListener(narrow);
      expect(client.stats).toMatchObject({ drops: 1, queueHighWater: 5 });
      await client.close();
    });
  });
});

describe('backoff', () => {
  const cause = new DisconnectedError('lost');

  it('doubles up to its ceiling and takes a random part of the upper half', () => {
    const random = jest.spyOn(Math, 'random');
    const delays = (share: number): (number | null)[] => {
      random.mockReturnValue(share);
      return [1, 2, 3, 7, 8, 100].map((attempt) => backoff().delay(attempt, cause));
    };
    expect(delays(0)).toEqual([50, 100, 200, 3_200, 5_000, 5_000]);
    expect(delays(1)).toEqual([100, 200, 400, 6_400, 10_000, 10_000]);
    random.mockRestore();
  });

  it('takes its limits from the options', () => {
    const delay = backoff({ from: 1_000, to: 1_000 }).delay(5, cause) ?? 0;
    expect(delay).toBeGreaterThanOrEqual(500);
    expect(delay).toBeLessThanOrEqual(1_000);
    expect(() => backoff({ from: -1 })).toThrow(RangeError);
    expect(() => backoff({ to: '1' as never })).toThrow(TypeError);
  });
});
