import { filter, map, type Observable } from 'rxjs';
import { QmpClient, type QmpClientOptions } from 'rx-qmp';
import { qmpMarblesAsync, type FakeQemu } from 'rx-qmp/testing';

const open: QmpClient[] = [];

/** Runs each test of a file in the virtual time of Jest's timers; at its end no listener and no timer may be left. */
export function inVirtualTime(): void {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(async () => {
    const left = open.map((client) => client.listeners.length);
    for (const client of open.splice(0)) await client.close();
    const timers = jest.getTimerCount();
    jest.useRealTimers();
    expect({ left, timers }).toEqual({ left: left.map(() => 1), timers: 0 });
  });
}

/** A client of a fake QEMU, closed after the test. */
export async function connected(fake: FakeQemu, options?: QmpClientOptions): Promise<QmpClient> {
  const client = new QmpClient(fake.connector, options);
  open.push(client);
  await client.connect();
  return client;
}

export function marbles(run: Parameters<typeof qmpMarblesAsync>[1]): Promise<void> {
  return qmpMarblesAsync((ms) => jest.advanceTimersByTimeAsync(ms), run);
}

/** The names of the commands as the client sends them, those named or all. */
export function sent$(client: QmpClient, ...names: readonly string[]): Observable<string> {
  return client.traffic$.pipe(
    filter(({ direction }) => direction === 'sent'),
    map(({ message }) => ('execute' in message ? (message.execute ?? '') : '')),
    filter((name) => names.length === 0 || names.includes(name)),
  );
}

/** What a task resolves with that has nothing to tell, in a diagram the letter `d`. */
export const DONE = { d: undefined };
