import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import { EventListener, LagError, QmpClient } from 'rx-qmp';
import { unixSocket } from 'rx-qmp/node';
import { startEventServers } from './event-server.js';
import { liveHeap, mebibytes } from './heap.js';
import { PATIENCE, scale, survived } from './scale.js';

const EVENTS = scale(200_000, 5_000_000);
const QUEUE = 1_000;

describe('soak', () => {
  it(
    'delivers exact counts to slow, fast and dead readers on a flat heap (L6)',
    async () => {
      const server = await startEventServers(1, EVENTS);
      const client = new QmpClient(unixSocket(server.paths[0] as string));
      const tick = 'TICK' as string;
      const slow = new EventListener(tick, undefined, { queueLimit: QUEUE });
      const fast = new EventListener(tick, undefined, { queueLimit: Infinity, historyLimit: 10 });
      const dead = new EventListener(tick, undefined, { queueLimit: QUEUE });
      const scope = client.listen(slow, fast, dead);
      let observed = 0;
      let inOrder = true;
      client.observe(tick).subscribe((event) => {
        inOrder &&= (event.data as { n: number }).n === observed;
        observed += 1;
      });
      const atStart = liveHeap();
      const done = new AbortController();
      const reading = [readAll(fast, done.signal, () => undefined), readAll(slow, done.signal, () => setImmediate())];
      const last = firstValueFrom(
        client.events$.pipe(filter((event) => (event.data as { n: number }).n === EVENTS - 1)),
      );
      const heaps: number[] = [];
      client
        .observe(tick, (event) => (event.data as { n: number }).n % (EVENTS / 10) === 0)
        .subscribe(() => {
          heaps.push(liveHeap());
        });
      await client.connect();
      await last;
      done.abort();
      const [byFast, bySlow] = await Promise.all(reading);
      const atEnd = liveHeap();

      expect({ observed, inOrder }).toEqual({ observed: EVENTS, inOrder: true });
      expect((byFast?.read ?? 0) + fast.size).toBe(EVENTS);
      expect((bySlow?.read ?? 0) + slow.dropped + slow.size).toBe(EVENTS);
      expect(dead.dropped + dead.size).toBe(EVENTS);
      expect(dead.size).toBe(QUEUE);
      expect(client.stats.events).toBe(EVENTS);
      // The fast reader's own backlog aside, nothing grows with the number of events.
      expect(fast.size < 100_000 ? atEnd - atStart : 0).toBeLessThan(20 * 1024 * 1024);
      survived(
        `soak of ${EVENTS} events: fast read ${byFast?.read}, slow read ${bySlow?.read} and was told of ${bySlow?.missed} ` +
          `dropped, dead kept ${dead.size}; live heap ${mebibytes(atStart)} at the start, at most ` +
          `${mebibytes(Math.max(...heaps))} meanwhile, ${mebibytes(atEnd)} at the end`,
      );
      scope.close();
      await client.close();
      await server.stop();
    },
    PATIENCE,
  );
});

interface Tally {
  read: number;
  missed: number;
}

/** Reads until the signal aborts, and counts. */
async function readAll(listener: EventListener<string>, signal: AbortSignal, pause: () => unknown): Promise<Tally> {
  const tally = { read: 0, missed: 0 };
  for (;;) {
    try {
      for await (const event of listener.iterate({ signal })) {
        tally.read += event.timestamp.seconds < 0 ? 0 : 1;
        await pause();
      }
    } catch (error) {
      if (error instanceof LagError) tally.missed += error.missed;
      else if (signal.aborted) return tally;
      else throw error;
    }
  }
}
