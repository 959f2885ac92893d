import { map, Observable, of, throwError, timer } from 'rxjs';
import { DisconnectedError, timeOf } from 'rx-qmp';
import { event, eventAt, qmpMarbles } from 'rx-qmp/testing';

const letters = { s: 'STOP', r: 'RESUME', j: event('JOB_STATUS_CHANGE', { id: 'j0', status: 'ready' }) } as const;

/** What a failing run says. */
function failure(run: Parameters<typeof qmpMarbles>[0]): Error {
  try {
    qmpMarbles(run, letters);
  } catch (error) {
    return error as Error;
  }
  throw new Error('it passed');
}

describe('qmpMarbles', () => {
  it('runs timers in virtual time', () => {
    const before = Date.now();
    qmpMarbles(({ expectObservable }) => {
      expectObservable(timer(3_600_000).pipe(map(() => 'x'))).toBe('60m (x|)');
    });
    expect(Date.now() - before).toBeLessThan(60_000);
  });

  it('fails where something else happens, and shows both sides', () => {
    const { message } = failure(({ bus, expectObservable }) => {
      expectObservable(bus('--s-j--|').observe()).toBe('--s--j-|');
    });

    expect(message.split('\n')).toEqual([
      'what happened (+) is not what was expected (-)',
      '  2: STOP of 2 ms',
      '- 5: JOB_STATUS_CHANGE {"id":"j0","status":"ready"}',
      '+ 4: JOB_STATUS_CHANGE {"id":"j0","status":"ready"} of 4 ms',
      '  7: complete',
    ]);
  });

  it('points at the line of the expectation', () => {
    const { stack } = failure(({ bus, expectObservable }) => {
      expectObservable(bus('--s').observe()).toBe('---');
    });

    expect(stack?.split('\n').find((line) => line.includes(' at '))).toContain('qmp-marbles.spec.ts');
  });

  it.each(['too few', 'too many', 'other data', 'other end'] as const)('fails on %s', (what) => {
    failure(({ bus, expectObservable }) => {
      const source = { 'too few': '--s', 'too many': '--s-s-s', 'other data': '--r-s', 'other end': '--s-s|' }[what];
      expectObservable(bus(source).observe()).toBe('--s-s');
    });
  });

  it('fails where toBe() is forgotten, of expectObservable and of expectSubscriptions', () => {
    expect(
      failure(({ bus, expectObservable }) => {
        const vm = bus('--s');
        expectObservable(vm.observe()).toBe('--s');
        expectObservable(vm.observe());
      }).message,
    ).toBe('expectation 2 of 2, expectObservable, has neither toBe() nor toEqual(): it would pass whatever happens');
    expect(
      failure(({ hot, expectSubscriptions }) => {
        expectSubscriptions(hot('--s').subscriptions);
      }).message,
    ).toContain('expectSubscriptions');
  });

  it('refuses promises, of the test and of at()', () => {
    const sentence = /promises are not virtual/;

    const wait = (() => Promise.resolve()) as () => void;
    const fail = (() => Promise.reject(new Error('handled'))) as () => void;

    expect(failure(wait).message).toMatch(sentence);
    expect(failure(fail).message).toMatch(sentence);
    expect(
      failure(({ at }) => {
        at(1, wait);
      }).message,
    ).toMatch(sentence);
  });

  it('lets a failing assertion of at() and of a subscriber through', () => {
    expect(
      failure(({ at }) => {
        at(5, () => {
          throw new Error('seen at 5');
        });
      }).message,
    ).toBe('seen at 5');
    expect(
      failure(({ bus }) => {
        bus('--s')
          .observe()
          .subscribe(() => {
            throw new Error('seen in next');
          });
      }).message,
    ).toBe('seen in next');
  });

  it('ends subscriptions and closes buses afterwards, also after a failure', () => {
    let completed = 0;
    const count = (): number => (completed += 1);
    const running = new Set<string>();
    const endless = new Observable<never>(() => {
      running.add('endless');
      return () => running.delete('endless');
    });
    qmpMarbles(({ bus, cold, expectObservable }) => {
      expectObservable(endless).toBe('--');
      expectObservable(of(endless)).toBe('(a|)', { a: cold('--') });
      bus('--s').events$.subscribe({ complete: count });
    }, letters);
    failure(({ bus }) => {
      bus('-').events$.subscribe({ complete: count });
      throw new Error('early');
    });

    expect(completed).toBe(2);
    expect([...running]).toEqual([]);
  });

  it('lets a letter stand for its event at any time, nested too, and eventAt() for one at its own', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      const vm = bus('                                          -s-r|');
      expectObservable(vm.observe().pipe(map((one) => [one]))).toBe('-a-b|', {
        a: [event('STOP')],
        b: [event('RESUME')],
      });
      expectObservable(vm.observe('STOP')).toBe('               -a--|', { a: eventAt(1, 'STOP') });
      expectObservable(vm.observe().pipe(map((one) => timeOf(one).getTime()))).toBe('-a-b|', { a: 1, b: 3 });
    }, letters);
    expect(
      failure(({ bus, expectObservable }) => {
        expectObservable(bus('-s').observe()).toBe('-a', { a: eventAt(2, 'STOP') });
      }).message,
    ).toContain('- 1: STOP of 2 ms\n+ 1: STOP of 1 ms');
  });

  it('takes a class for any error of it, and compares other errors by name and message', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      expectObservable(bus('-#').observe()).toBe('-#', null, DisconnectedError);
      expectObservable(throwError(() => new Error('a'))).toBe('#', null, new Error('a'));
    });
    failure(({ expectObservable }) => {
      expectObservable(throwError(() => new Error('a'))).toBe('#', null, new Error('b'));
    });
    failure(({ expectObservable }) => {
      expectObservable(throwError(() => new Error('a'))).toBe('#', null, DisconnectedError);
    });
  });

  it('says which letter stands for no event', () => {
    expect(failure(({ bus }) => void bus('-s 5s x|')).message).toContain('the letter x stands for no event');
  });

  it('compares what is no event by its members', () => {
    const values = (seen: unknown, wanted: unknown) => (): void => {
      qmpMarbles(({ expectObservable }) => {
        expectObservable(of(seen)).toBe('(a|)', { a: wanted });
      });
    };
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;

    expect(values({ a: 1, b: undefined }, { a: 1 })).not.toThrow();
    expect(values(new Map([[1, new Set([2])]]), new Map([[1, new Set([2])]]))).not.toThrow();
    expect(values(new Date(5), new Date(5))).not.toThrow();
    expect(values(new Date(5), new Date(6))).toThrow();
    expect(values([1, 2], [1])).toThrow();
    expect(values({ a: 1n }, { a: 2n })).toThrow('1n');
    expect(values(ring, { self: 5 })).toThrow();
    expect(values(NaN, NaN)).not.toThrow();
    expect(values(null, undefined)).toThrow();
  });
});

describe('event', () => {
  it('builds an event that its EventMap allows, always the same', () => {
    expect(event('JOB_STATUS_CHANGE', { id: 'j0', status: 'running' })).toEqual({
      timestamp: { seconds: 0, microseconds: 0 },
      event: 'JOB_STATUS_CHANGE',
      data: { id: 'j0', status: 'running' },
    });
    expect(eventAt(1500.25, 'STOP')).toEqual({ timestamp: { seconds: 1, microseconds: 500_250 }, event: 'STOP' });
    // @ts-expect-error -- a typo in its name
    event('STOPP');
    // @ts-expect-error -- data is missing
    event('JOB_STATUS_CHANGE');
    // @ts-expect-error -- no such member
    event('JOB_STATUS_CHANGE', { id: 'j0', state: 'running' });
  });
});
