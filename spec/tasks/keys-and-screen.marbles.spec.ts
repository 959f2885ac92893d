import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { map, switchMap, timer } from 'rxjs';
import { pressKeys, schemaOf, typeText } from 'rx-qmp';
import { screenshot } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { connected, DONE, inVirtualTime, marbles, sent$ } from './virtual-time.js';

// A disk takes real time.
jest.mock('node:fs/promises', () => ({
  mkdtemp: (prefix: string) => Promise.resolve(mkdtempSync(prefix)),
  chmod: () => Promise.resolve(),
  readFile: (path: string) => Promise.resolve(readFileSync(path)),
  rm: (path: string, options: object) => {
    rmSync(path, options);
    return Promise.resolve();
  },
}));

inVirtualTime();

describe('typeText and pressKeys in virtual time', () => {
  it('give the guest 40 ms for each chord, before the next one and at the end (T6)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client)).toBe('  k 39ms k 39ms k 1s -', { k: 'send-key' });
      expectObservable(typeText(client, 'Hi\n')).toBe('120ms (d|)', DONE);
    });
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client)).toBe('k 1s -', { k: 'send-key' });
      expectObservable(pressKeys(client, 'ctrl-alt-delete')).toBe('40ms (d|)', DONE);
    });
  });

  it('type nothing more for whoever gives up (T1)', async () => {
    const client = await connected(new FakeQemu());
    const giveUp = new AbortController();
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client)).toBe('k 39ms k 1s -', { k: 'send-key' });
      expectObservable(typeText(client, 'Hi\n', { signal: giveUp.signal })).toBe('60ms #', null, 'enough');
      at(60, () => {
        giveUp.abort('enough');
      });
    });
  });
});

describe('screenshot in virtual time', () => {
  it('takes one picture for all who ask within a second, and another one then', async () => {
    let pictures = 0;
    const fake = new FakeQemu().on('screendump', ({ filename }) => {
      pictures += 1;
      writeFileSync(filename, `picture ${pictures}`);
    });
    fake.on(
      'query-qmp-schema',
      () =>
        [
          { name: 'screendump', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
          { name: '0', 'meta-type': 'object', members: [{ name: 'format', type: 'str' }] },
        ] as never,
    );
    const client = await connected(fake);
    const look = (): Promise<string> => screenshot(client).then((png) => Buffer.from(png).toString());
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client, 'screendump')).toBe('s 999ms s 1s -', { s: 'screendump' });
      for (const [ms, picture] of [
        [0, 'picture 1'],
        [999, 'picture 1'],
        [1_000, 'picture 2'],
        [1_500, 'picture 2'],
      ] as const) {
        expectObservable(timer(ms).pipe(switchMap(look))).toBe(`${ms}ms (p|)`, { p: picture });
      }
    });
  });
});

describe('schemaOf in virtual time', () => {
  it('asks once in a session, also for those who come before the answer, and again in the next', async () => {
    const fake = new FakeQemu().on('query-qmp-schema', () =>
      timer(200).pipe(map(() => [{ name: 'stop', 'meta-type': 'command' } as never])),
    );
    const client = await connected(fake, { reconnect: { delay: () => 100 } });
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client, 'query-qmp-schema')).toBe('q 699ms q 1s -', { q: 'query-qmp-schema' });
      const ask = (ms: number): unknown =>
        timer(ms).pipe(
          switchMap(() => schemaOf(client)),
          map(({ commands }) => commands.join()),
        );
      for (const [asked, answered] of [
        [0, 200],
        [100, 200],
        [400, 400],
        [700, 900],
      ] as const) {
        expectObservable(ask(asked) as never).toBe(`${answered}ms (s|)`, { s: 'stop' });
      }
      at(500, () => {
        fake.restart();
      });
    });
  });
});
