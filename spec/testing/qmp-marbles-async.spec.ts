import { concatMap, interval, map, NEVER, Observable, of, take, timer } from 'rxjs';
import { DisconnectedError, QmpClient } from 'rx-qmp';
import { event, FakeQemu, qmpMarblesAsync } from 'rx-qmp/testing';

type Run = Parameters<typeof qmpMarblesAsync>[1];

const advance = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
const after = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(resolve, ms, ms));

/** What a failing run says. */
async function failure(run: Run): Promise<Error> {
  return qmpMarblesAsync(advance, run).then(
    () => new Error('it passed'),
    (error: unknown) => error as Error,
  );
}

describe('qmpMarblesAsync', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('draws what awaits promises, in no time', async () => {
    await qmpMarblesAsync(advance, ({ expectObservable }) => {
      const each = interval(60_000).pipe(
        take(2),
        concatMap(() => after(5)),
      );
      expectObservable(each).toBe('1m 5ms v 59s 999ms (v|)', { v: 5 });
      expectObservable(after(3_600_000)).toBe('60m (v|)', { v: 3_600_000 });
    });
  });

  it('draws a client, a command and an event', async () => {
    const fake = new FakeQemu().on('query-name', timer(20).pipe(map(() => ({ name: 'vm1' }))));
    const client = new QmpClient(fake.connector);
    await client.connect();
    await qmpMarblesAsync(advance, ({ at, expectObservable }) => {
      expectObservable(client.observe()).toBe('   7ms s 19ms r 2ms #', events, DisconnectedError);
      expectObservable(client.execute('query-name')).toBe('20ms (n|)', { n: { name: 'vm1' } });
      at(27, () => client.execute('cont'));
      at(7, () => fake.emit('STOP'));
      at(30, () => {
        fake.kill();
      });
    });
    await client.close();
  });
  const events = { s: event('STOP'), r: event('RESUME') };

  it('fails where something else happens, shows both sides, and points at the line of the expectation', async () => {
    const error = await failure(({ expectObservable }) => {
      expectObservable(after(5)).toBe('5ms (v|)', { v: 5 });
      expectObservable(after(6)).toBe('5ms (v|)', { v: 6 });
    });
    expect(error.message.split('\n')).toEqual([
      'what happened (+) is not what was expected (-)',
      '- 5: 6',
      '+ 6: 6',
      '- 5: complete',
      '+ 6: complete',
    ]);
    expect(error.stack?.split('\n').find((line) => line.includes(' at '))).toContain('qmp-marbles-async.spec.ts');
  });

  it('sees nothing that comes after the longest diagram, and all that comes before its end', async () => {
    await qmpMarblesAsync(advance, ({ expectObservable }) => {
      expectObservable(after(10)).toBe('-');
    });
    for (const longer of ['10ms -', '----------']) {
      const { message } = await failure(({ expectObservable }) => {
        expectObservable(NEVER).toBe(longer);
        expectObservable(after(10)).toBe('-');
      });
      expect(message).toContain('+ 10: 10');
    }
  });

  it('does what at() says in the order of frames, each after all else of its frame', async () => {
    const order: string[] = [];
    await qmpMarblesAsync(advance, ({ at }) => {
      at(5, () => order.push('at 5'));
      at(2, () => order.push('at 2'));
      for (const ms of [5, 6]) void after(ms).then(() => order.push(`after ${ms}`));
    });
    expect(order).toEqual(['at 2', 'after 5', 'at 5']);
  });

  it('subscribes and unsubscribes by a diagram, where `!` wins', async () => {
    await qmpMarblesAsync(advance, ({ expectObservable }) => {
      const ticks = interval(10).pipe(map((n) => `${n}`));
      expectObservable(ticks, '   ^ 19ms !').toBe('    10ms 0 99ms -');
      expectObservable(ticks, '5ms ^ 24ms !').toBe('   15ms 0 9ms 1 50ms -');
    });
  });

  it('ends its subscriptions and timers afterwards, also after a failure', async () => {
    const running = new Set<string>();
    const endless = new Observable<never>(() => {
      running.add('endless');
      return () => running.delete('endless');
    });
    await qmpMarblesAsync(advance, ({ expectObservable }) => {
      expectObservable(endless, '^ 1m !').toBe('--');
    });
    await failure(({ expectObservable }) => {
      expectObservable(endless).toBe('--');
      throw new Error('early');
    });
    expect([...running]).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fails where toBe() is forgotten, and with what an action throws or rejects with', async () => {
    expect(
      (
        await failure(({ expectObservable }) => {
          expectObservable(of(1));
        })
      ).message,
    ).toMatch(/^expectation 1 of 1, expectObservable, has neither toBe/);
    const oops = new Error('oops');
    for (const act of [() => Promise.reject(oops), () => after(1).then(() => Promise.reject(oops))]) {
      expect(
        await failure(({ at, expectObservable }) => {
          expectObservable(NEVER).toBe('5ms -');
          at(2, act);
        }),
      ).toBe(oops);
    }
    expect(
      await failure(({ at }) => {
        at(2, () => {
          throw oops;
        });
      }),
    ).toBe(oops);
  });

  it('takes Observables and promises, and frames that are numbers', () => {
    const typed: Run = ({ at, expectObservable }) => {
      expectObservable(of(1)).toBe('(a|)', { a: 1 });
      expectObservable(Promise.resolve(1)).toBe('#', null, DisconnectedError);
      // @ts-expect-error -- neither an Observable nor a promise
      expectObservable(1).toBe('|');
      // @ts-expect-error -- a frame is a number
      at('5ms', () => undefined);
    };
    expect(typed).toHaveLength(1);
  });

  it('says so where the time is not virtual', async () => {
    jest.useRealTimers();
    const notAdvancing = (): Promise<void> => Promise.resolve();
    await expect(
      qmpMarblesAsync(notAdvancing, ({ expectObservable }) => {
        expectObservable(NEVER).toBe('1m -');
      }),
    ).rejects.toThrow(/the time is not virtual.*useFakeTimers/);
  });
});
