import { map, type Observable } from 'rxjs';
import { migrate, MigrationError, type MigrationProgress } from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';
import { connected, inVirtualTime, marbles, sent$ } from './virtual-time.js';

inVirtualTime();

const COMMANDS = {
  s: 'migrate-set-capabilities',
  m: 'migrate',
  x: 'migrate_cancel',
  q: 'query-migrate',
  i: 'migrate-incoming',
};
const acts = ['migrate-set-capabilities', 'migrate', 'migrate_cancel', 'migrate-incoming'];
const words = (progress$: Observable<MigrationProgress>): Observable<string> =>
  progress$.pipe(map(({ status, ram }) => (ram ? `${status} ${ram.remaining}` : status)));
const uri = 'unix:/x';

describe('migrate in virtual time', () => {
  it('tells a new status at once and memory each 500 ms; sets the capability before and puts it back after', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client, ...acts)).toBe('(sm) 1196ms s 1s -', COMMANDS);
      expectObservable(words(migrate(client, { uri }))).toBe('a 499ms b 199ms p 499ms (c|)', {
        a: 'active',
        b: 'active 90',
        p: 'postcopy-active 40',
        c: 'completed 0',
      });
      at(300, () => {
        fake.migration.progress(10, 90, 100);
      });
      at(700, () => {
        fake.migration.progress(60, 40, 100);
        fake.migration.reach('postcopy-active');
      });
      at(1_200, () => {
        fake.migration.progress(100, 0, 100);
        fake.migration.complete();
      });
    });
  });

  it('is cancelled in the moment of unsubscribing, and puts the capability back once it is', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    // The thread that sends the memory ends a while later.
    fake.on('migrate_cancel', () => {
      fake.migration.reach('cancelling');
      setTimeout(() => {
        fake.migration.reach('cancelled');
      }, 120);
    });
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client, ...acts)).toBe('(sm) 296ms x 149ms s 1s -', COMMANDS);
      expectObservable(words(migrate(client, { uri })), '^ 299ms !').toBe('a 1s -', { a: 'active' });
    });
  });

  it('completes when the VM runs at the destination, and fails when somebody cancels it', async () => {
    let arrived = false;
    const there = new FakeQemu().on('query-status', () =>
      arrived
        ? { running: true, status: 'running', singlestep: false }
        : { running: false, status: 'inmigrate', singlestep: false },
    );
    there.on('migrate-incoming', {});
    const fake = new FakeQemu();
    const client = await connected(fake);
    const destination = await connected(there);
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(destination, ...acts)).toBe('(si) 1096ms s 1s -', COMMANDS);
      expectObservable(words(migrate(client, { uri, destination }))).toBe('a 999ms c 99ms |', {
        a: 'active',
        c: 'completed',
      });
      at(1_000, () => {
        fake.migration.complete();
      });
      at(1_060, () => {
        arrived = true;
      });
    });
    const other = await connected(new FakeQemu());
    await marbles(({ at, expectObservable }) => {
      expectObservable(words(migrate(other, { uri }))).toBe(
        'a 799ms (x#)',
        { a: 'active', x: 'cancelled' },
        MigrationError,
      );
      at(800, () => other.execute('migrate_cancel'));
    });
  });
});
