// The same file under Jest and Vitest.
import { of, switchMap, timer } from 'rxjs';
import { QmpClient, shutdown } from 'rx-qmp';
import { FakeQemu, qmpMarbles, qmpMarblesAsync } from 'rx-qmp/testing';

describe('the testing kit', () => {
  it('runs marbles', () => {
    qmpMarbles(
      ({ bus, expectObservable }) => {
        const vm = bus('s 4s r');
        expectObservable(vm.observe('STOP').pipe(switchMap(() => timer(2).pipe(switchMap(() => of('late')))))).toBe(
          '--l',
          { l: 'late' },
        );
      },
      { s: 'STOP', r: 'RESUME' },
    );
  });

  it('runs marbles over promises, in the time of fake timers', async () => {
    const timers = import.meta.jest ?? globalThis.vi;
    timers.useFakeTimers();
    const client = new QmpClient(new FakeQemu().connector);
    await client.connect();
    await qmpMarblesAsync(
      (ms) => timers.advanceTimersByTimeAsync(ms),
      ({ expectObservable }) => {
        expectObservable(shutdown(client, { grace: 25_000 })).toBe('25s (q|)', { q: 'quit' });
      },
    );
    await client.close();
    timers.useRealTimers();
  });

  it('has a QEMU in memory', async () => {
    const fake = new FakeQemu();
    const client = new QmpClient(fake.connector);
    await client.connect();
    await client.execute('stop');
    expect(fake.status).toBe('paused');
    await client.close();
  });
});
