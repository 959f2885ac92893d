import { FakeQemu } from 'rx-qmp/testing';
import { HubClient } from 'rx-qmp';
import { WebSocket } from 'ws';
import { closeAll, closeLater, happened, startHub, until, type HubUnderTest } from './hub-under-test.js';
import { RawClient, VIEWER } from './raw-client.js';

afterEach(closeAll);

const UNLISTED = 'TICK' as string;
const LIMITS = { clientsPerToken: 1_000 };

/** How long somebody who does nothing wrong waited for an answer at most, in milliseconds, until `over`. */
async function longestWait(test: HubUnderTest, over: () => boolean): Promise<number> {
  const bystander = await test.client();
  let longest = 0;
  for (let asked = 0; asked < 20 || !over(); asked += 1) {
    const begun = performance.now();
    bystander.send({ execute: 'query-name', id: 'bystander' });
    let answer = await bystander.next();
    while (answer['id'] !== 'bystander') answer = await bystander.next();
    longest = Math.max(longest, performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return longest;
}

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

  it('more commands than are allowed in a second wait for the next one; none is lost (H5)', async () => {
    const test = await startHub({ limits: { commandsPerSecond: 50 } });
    const flooder = await test.client({ token: VIEWER });
    const begun = performance.now();
    for (let id = 0; id < 120; id += 1) flooder.send({ execute: 'no', id });
    for (let id = 0; id < 120; id += 1) expect(await flooder.next()).toMatchObject({ id });
    expect(performance.now() - begun).toBeGreaterThan(1_500);
  });

  it('20 viewers that flood refused commands keep nobody waiting for more than a second (H5)', async () => {
    const test = await startHub();
    let over = false;
    const flooders = await Promise.all(Array.from({ length: 20 }, () => test.client({ token: VIEWER })));
    const floods = flooders.map(async ({ socket }) => {
      const text = '{"execute":"quit","id":1}'.repeat(100);
      while (!over) {
        if (socket.bufferedAmount < 100_000) socket.send(text);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const timer = setTimeout(() => (over = true), 2_000);
    const longest = await longestWait(test, () => over);
    clearTimeout(timer);
    over = true;
    await Promise.all(floods);
    expect(longest).toBeLessThan(1_000);
  });

  it('what a turn brings is one frame: 5,000 events at once to 50 readers (H5)', async () => {
    const test = await startHub({ limits: LIMITS });
    let frames = 0;
    const readers = await Promise.all(Array.from({ length: 50 }, () => test.client({ token: VIEWER })));
    readers[0]?.socket.on('message', () => (frames += 1));
    const last = readers.map((reader) => reader.next().then(() => undefined));
    const wait = longestWait(test, () => readers.every(({ size }) => size >= 4_999));
    for (let sent = 0; sent < 5_000; sent += 1) test.fake.emit(UNLISTED, { sent });
    await Promise.all(last);
    // The readers parse a quarter of a million events in this very process.
    expect(await wait).toBeLessThan(5_000);
    expect(frames).toBeLessThan(1_000);
  });
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
