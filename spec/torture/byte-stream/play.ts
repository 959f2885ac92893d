import { setImmediate } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { QmpClient, type Connector, type QmpClientOptions, type QmpEvent } from 'rx-qmp';
import type { Stream } from './streams.js';
import { COMMANDS, type Verdict } from './verdict.js';

/** What a client makes of a stream. */
export interface Played extends Verdict {
  /** What was read from a listener's queue: by `get()`, then by iteration. */
  readonly read: string[];
}

/** A client that lives through a stream with readers and commands waiting, and must let go of all of them without a timer. */
export async function play(stream: Stream, options: QmpClientOptions): Promise<Played> {
  const client = new QmpClient(player(stream), options);
  const log: string[] = [];
  client.events$.subscribe((event) => log.push(JSON.stringify(event)));
  client.diagnostics$.subscribe((diagnostic) => {
    const { kind } = diagnostic;
    if (kind === 'suppressed') log.push(...Array<string>(diagnostic.count).fill(diagnostic.of));
    else if (kind !== 'rounded-integer') log.push(kind);
  });
  const commands: string[] = [];
  client.state$.subscribe(({ phase }) => {
    if (phase !== 'ready') return;
    for (let at = 0; at < COMMANDS; at += 1) {
      commands.push('pending');
      client.execute('query-name').then(
        () => (commands[at] = 'done'),
        (error: unknown) => (commands[at] = (error as Error).name),
      );
    }
  });
  const read: QmpEvent[] = [];
  const listener = client.listener(null, undefined, { queueLimit: Infinity, historyLimit: 0 });
  const waiting = new Set(['get', 'iteration', 'connect']);
  const first = listener.get().finally(() => waiting.delete('get'));
  const reading = readAll(listener, read).finally(() => waiting.delete('iteration'));
  const connecting = client.connect().finally(() => waiting.delete('connect'));
  const all = Promise.allSettled([first, reading, connecting]);

  await setImmediate();
  const { state } = client;
  const hasRun = commands.length > 0;
  const cause = state.phase === 'closed' ? state.cause : undefined;
  // Where no session has run, readers wait for the next attempt.
  if (!hasRun) await client.close();
  await setImmediate();
  expect([...waiting, ...commands.filter((how) => how === 'pending')]).toEqual([]);
  expect(state.phase).toBe('closed');
  const [got, , greeted] = await all;
  await client.close();
  return {
    log,
    commands,
    connected: greeted.status === 'fulfilled',
    protocolError: [cause?.name, (cause?.cause as Error | undefined)?.name].includes('ProtocolError'),
    read: [...(got.status === 'fulfilled' ? [got.value] : []), ...read].map((event) => JSON.stringify(event)),
  };
}

async function readAll(events: AsyncIterable<QmpEvent>, read: QmpEvent[]): Promise<void> {
  for await (const event of events) read.push(event);
}

/** A server that says all at once whatever it is told, and uses the memory of each chunk again. */
function player({ chunks, text, breaks }: Stream): Connector {
  const incoming$ = new Observable<Uint8Array | string>((subscriber) => {
    for (const chunk of chunks) {
      const memory = Buffer.from(chunk, 'latin1');
      subscriber.next(text ? chunk : memory);
      memory.fill('}');
    }
    if (breaks) subscriber.error(new Error('read ECONNRESET'));
    else subscriber.complete();
  });
  const connection = { incoming$, send: () => undefined, close: () => undefined };
  return Object.assign(() => Promise.resolve(connection), { address: 'player' });
}
