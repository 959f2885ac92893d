// The same file under Jest and Vitest.
import { of, switchMap, timer } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { FakeQemu, qmpMarbles } from 'rx-qmp/testing';

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

  it('has a QEMU in memory', async () => {
    const fake = new FakeQemu();
    const client = new QmpClient(fake.connector);
    await client.connect();
    await client.execute('stop');
    expect(fake.status).toBe('paused');
    await client.close();
  });
});
