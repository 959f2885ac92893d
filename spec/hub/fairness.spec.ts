import { merge, NEVER, Observable } from 'rxjs';
import { FakeQemu } from 'rx-qmp/testing';
import { HubClient } from 'rx-qmp';
import { WebSocket } from 'ws';
import { closeAll, closeLater, happened, startHub, until } from './hub-under-test.js';
import { RawClient, VIEWER } from './raw-client.js';

afterEach(closeAll);

const UNLISTED = 'TICK' as string;
const LIMITS = { clientsPerToken: 1_000 };

describe('fairness (H5)', () => {
  it('one chunk with thousands of commands is taken 32 a turn: others are answered in between (H5)', async () => {
    const test = await startHub({ limits: { commandsPerSecond: 1_000_000 } });
    const [flooder, other] = [await test.client({ token: VIEWER }), await test.client()];
    flooder.send('{"execute":"no"}'.repeat(5_000));
    const answered = happened(other.ask({ execute: 'query-name', id: 1 }));
    await until(() => answered());
    expect(flooder.size).toBeLessThan(2_500);
    await until(() => flooder.size === 5_000);
  });

  it.each([
    [
      'commands',
      ({ socket }: RawClient) => {
        socket.send('{"execute":"no"}');
      },
    ],
    [
      'pings',
      ({ socket }: RawClient) => {
        socket.ping();
      },
    ],
  ])(
    'thousands of %s, a frame each, are taken one a turn: others are answered in between (H5)',
    async (_what, flood) => {
      const test = await startHub({ limits: { commandsPerSecond: 1_000_000 } });
      const [flooder, other] = [await test.client({ token: VIEWER }), await test.client()];
      let over = false;
      flooder.socket.on('pong', (payload: Buffer) => (over = payload.toString() === 'last'));
      for (let sent = 0; sent < 5_000; sent += 1) flood(flooder);
      flooder.socket.ping('last');
      for (let asked = 0; asked < 20; asked += 1) {
        expect(await other.ask({ execute: 'query-name', id: asked })).toMatchObject({ id: asked });
      }
      expect(over).toBe(false);
      await until(() => over);
    },
  );

  it('more commands than are allowed in a second wait for the next one; none is lost (H5)', async () => {
    const test = await startHub({ limits: { commandsPerSecond: 50 } });
    const flooder = await test.client({ token: VIEWER });
    const begun = performance.now();
    for (let id = 0; id < 120; id += 1) flooder.send({ execute: 'no', id });
    for (let id = 0; id < 120; id += 1) expect(await flooder.next()).toMatchObject({ id });
    expect(performance.now() - begun).toBeGreaterThan(1_500);
  });

  it('20 viewers that flood refused commands leave room for others all the time (H5)', async () => {
    const test = await startHub();
    const flooders = await Promise.all(Array.from({ length: 20 }, () => test.client({ token: VIEWER })));
    const other = await test.client();
    for (const { socket } of flooders) for (let sent = 0; sent < 1_000; sent += 1) socket.send('{"execute":"quit"}');
    for (let asked = 0; asked < 20; asked += 1) {
      expect(await other.ask({ execute: 'query-name', id: asked })).toMatchObject({ id: asked });
    }
    expect(flooders.filter(({ size }) => size === 1_000)).toEqual([]);
    await until(() => flooders.every(({ size }) => size === 1_000));
  });

  it('what a turn brings is one frame: 5,000 events at once to 50 readers (H5)', async () => {
    const test = await startHub({ limits: LIMITS });
    let frames = 0;
    const readers = await Promise.all(Array.from({ length: 50 }, () => test.client({ token: VIEWER })));
    readers[0]?.socket.on('message', () => (frames += 1));
    for (let sent = 0; sent < 5_000; sent += 1) test.fake.emit(UNLISTED, { sent });
    await until(() => readers.every(({ size }) => size === 5_000));
    expect(frames).toBeLessThan(1_000);
  });
});

describe('many events for many readers (H5)', () => {
  it.each([
    [5_000, 50, 25],
    [1_000, 200, 5],
  ])('%i events to %i readers: nobody misses one, nobody is cut off (H5)', async (count, readers, perTurn) => {
    const test = await startHub({ limits: LIMITS });
    const tails = await Promise.all(
      Array.from({ length: readers }, async () => {
        const { socket } = await test.client({ token: VIEWER });
        const heard: string[] = [];
        // Not parsed: so many readers in this very process would be what is slow.
        socket.removeAllListeners('message');
        socket.on('message', (data: Buffer) => heard.push(...(data.toString().match(/(?<="sent": ?)\d+/g) ?? [])));
        return heard;
      }),
    );
    for (let sent = 0; sent < count; sent += 1) {
      test.fake.emit(UNLISTED, { sent });
      if (sent % perTurn === 0) await new Promise(setImmediate);
    }
    await until(
      () => tails.every((heard) => heard.length >= count) || test.log.some((line) => line.includes('cut off')),
    );
    const all = Array.from({ length: count }, (_, index) => String(index));
    for (const heard of tails) expect(heard).toEqual(all);
    expect(test.log.filter((line) => line.includes('cut off'))).toEqual([]);
  });
});

describe('a VM that sends rubbish without end (H5)', () => {
  it.each([
    ['lines that are no JSON', 'rubbish\n'],
    ['objects that mean nothing', '{"rubbish":1}\n'],
    ['replies to nobody', '{"return": {}, "id": 77777}\r\n'],
    ['no line at all', 'x'],
  ])(
    '%s: its session ends, and the others are served meanwhile',
    async (_what, rubbish) => {
      const test = await startHub();
      const other = await test.client();
      const fake = new FakeQemu();
      let sessions = 0;
      test.hub.add('rude', async (signal) => {
        const connection = await fake.connector(signal);
        sessions += 1;
        const chunk = rubbish.repeat(500_000 / rubbish.length);
        const endless$ = new Observable<string>((subscriber) => {
          const send = (): void => {
            subscriber.next(chunk);
            if (!subscriber.closed) next = setImmediate(send);
          };
          let next = setImmediate(send);
          return () => {
            clearImmediate(next);
          };
        });
        return {
          send: (text) => {
            connection.send(text);
          },
          close: () => {
            connection.close();
          },
          incoming$: merge(connection.incoming$, endless$),
        };
      });
      const ended = happened(test.logged(/rude: (gone|connecting): .*(no QMP|QMP monitor|bytes)/));
      for (let asked = 0; !ended() || sessions < 2; asked += 1) {
        expect(await other.ask({ execute: 'query-name', id: asked })).toMatchObject({ id: asked });
      }
      expect(test.log.filter((line) => line.includes('rude')).length).toBeLessThan(100);
      await test.hub.remove('rude');
      expect(test.log.filter((line) => line.includes('cut off'))).toEqual([]);
    },
    30_000,
  );
});

describe('memory (H6)', () => {
  it('of all clients together is bounded: those furthest behind go, the others stay (H6)', async () => {
    const limits = { ...LIMITS, totalUnreadBytes: 8 * 1024 * 1024, unreadBytes: 64 * 1024 * 1024 };
    const test = await startHub({ limits });
    const stopped = await Promise.all(Array.from({ length: 10 }, () => test.client({ token: VIEWER })));
    for (const { socket } of stopped) socket.pause();
    const reader = await test.client();
    const text = 'x'.repeat(60_000);
    const dropped = (): number => test.log.filter((line) => /cut off: slow: \d+ of \d+ bytes/.test(line)).length;
    let sent = 0;
    while (dropped() < 3) {
      sent += 1;
      test.fake.emit(UNLISTED, { text, sent });
      expect(await reader.next()).toMatchObject({ data: { sent } });
    }
    expect(await reader.ask({ execute: 'query-name', id: 1 })).toMatchObject({ id: 1 });
  });

  it('commands that wait count, too: one who leaves thousands waiting goes, the others stay (H6)', async () => {
    const test = await startHub({ limits: { totalUnreadBytes: 1024 * 1024 } });
    test.fake.on('query-block', NEVER);
    const [greedy, other] = [await test.client({ token: VIEWER }), await test.client()];
    for (let id = 0; id < 200; id += 1) greedy.send({ execute: 'query-block', id });
    other.send({ execute: 'query-block', id: 1 });
    expect(await greedy.closed).toMatchObject({ code: 1006 });
    await test.logged(/cut off: slow: \d+ of \d+ bytes that are kept for all clients/);
    expect(await other.ask({ execute: 'no', id: 2 })).toMatchObject({ id: 2 });
  });

  it('one that has not read for 10 s is cut off, however little it has to read (H6)', async () => {
    const test = await startHub();
    const stopped = await test.client({ token: VIEWER });
    stopped.socket.pause();
    const text = 'x'.repeat(60_000);
    const cut = happened(test.logged(/cut off: slow: nothing was read for 10 s/));
    // More than the kernel takes, less than the client's own bound.
    for (let sent = 0; sent < 100; sent += 1) test.fake.emit(UNLISTED, { text, sent });
    await until(cut);
  }, 30_000);
});

describe('changes (H13)', () => {
  it('2,000 VMs that come and go at once are a few frames, and cut off nobody (H13)', async () => {
    const test = await startHub();
    const client = closeLater(new HubClient(test.hub.url, { token: VIEWER, WebSocket }));
    let [count, frames] = [0, 0];
    client.vms$.subscribe((vms) => {
      count = vms.length;
      frames += 1;
    });
    await until(() => count === 1);
    const names = Array.from({ length: 2_000 }, (_, index) => `many-${index}`);
    for (const name of names) test.hub.add(name, new FakeQemu().connector);
    await until(() => count === 2_001);
    await Promise.all(names.map((name) => test.hub.remove(name)));
    await until(() => count === 1);
    expect(frames).toBeLessThan(500);
    expect(test.log.filter((line) => line.includes('cut off'))).toEqual([]);
  });

  it('a VM that comes and goes in one turn is not told at all (H13)', async () => {
    const test = await startHub();
    const watcher = closeLater(await RawClient.open(`${test.hub.url}/events`, { token: VIEWER }));
    await watcher.next();
    test.hub.add('brief', new FakeQemu().connector);
    await test.hub.remove('brief');
    test.fake.emit('STOP');
    expect(await watcher.next()).toMatchObject({ vm: 'vm1', event: { event: 'STOP' } });
  });
});
