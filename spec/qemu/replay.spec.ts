import { join } from 'node:path';
import { lastValueFrom, map, Observable, tap, toArray } from 'rxjs';
import { isEvent, QmpClient, type Connector, type Message, type QmpEvent } from 'rx-qmp';
import { address, serve } from 'rx-qmp/node';
import { playback, readTranscript, record, replay, type Transcript } from 'rx-qmp/testing';
import { describeQemu, startQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A connector that keeps a copy of the bytes that come. */
function tapped(connector: Connector, chunks: Uint8Array[]): Connector {
  return async (signal) => {
    const connection = await connector(signal);
    const incoming$ = connection.incoming$.pipe(tap((chunk) => chunks.push(Buffer.from(chunk as Uint8Array))));
    return { incoming$, send: connection.send.bind(connection), close: connection.close.bind(connection) };
  };
}

/** All that a server says to a client that says all these lines at once, until it closes. */
async function hear(connector: Connector, lines: readonly string[]): Promise<string> {
  const connection = await connector(new AbortController().signal);
  const text$ = connection.incoming$.pipe(
    map((chunk) => Buffer.from(chunk as string)),
    toArray(),
  );
  const heard = lastValueFrom(
    new Observable<Buffer[]>((subscriber) => {
      const subscription = text$.subscribe(subscriber);
      connection.send(lines.join('\n'));
      return subscription;
    }),
  );
  return Buffer.concat(await heard).toString();
}

async function eventsOf(connector: Connector): Promise<readonly QmpEvent[]> {
  const client = new QmpClient(connector);
  const ended = lastValueFrom(client.observe('SHUTDOWN'));
  await client.connect();
  await ended;
  await client.close();
  return client.events.history;
}

describeQemu('a recorded session of a real QEMU', () => {
  let transcript: Transcript;
  let bytes: string;
  let events: readonly QmpEvent[];

  beforeAll(async () => {
    const qemu = await startQemu();
    const chunks: Uint8Array[] = [];
    const client = new QmpClient(tapped(address(qemu.address), chunks));
    const lines = lastValueFrom(record(client).pipe(toArray()));
    const concluded = client.listener('JOB_STATUS_CHANGE', ({ data }) => data.status === 'concluded');
    const unknown = ['no', 'such', 'command'].join('-');
    await client.connect();
    await client.execute('stop');
    await client.execute('cont');
    await client.execute(unknown).catch(() => undefined);
    await client.execute('query-qmp-schema');
    await client.execute('blockdev-create', {
      'job-id': 'j0',
      options: { driver: 'file', filename: 'ümlaut.img', size: 65_536 },
    });
    await concluded.get();
    await client.execute('job-dismiss', { id: 'j0' });
    const ended = lastValueFrom(client.observe());
    await client.execute('quit');
    await ended;
    await client.close();
    transcript = readTranscript(await lines);
    bytes = Buffer.concat(chunks).toString();
    ({ history: events } = client.events);
    await qemu.stop();
  });

  const commands = (): string[] => transcript.filter(({ dir }) => dir === 'out').map(({ text }) => text);

  it('holds events, replies and errors', () => {
    expect(events.length).toBeGreaterThanOrEqual(9);
    expect(bytes.length).toBeGreaterThan(200_000);
  });

  it('replays event for event and byte for byte in memory', async () => {
    expect(await hear(replay(transcript, { speed: Infinity }), commands())).toBe(bytes);
    expect(await eventsOf(replay(transcript, { speed: Infinity }))).toEqual(events);
  });

  it('replays event for event and byte for byte through a unix socket', async () => {
    const folder = temporaryFolder();
    const path = `unix:${join(folder.path, 'qmp')}`;
    const served = await serve((signal) => replay(transcript, { speed: 20 })(signal), path);

    expect(await hear(address(path), commands())).toBe(bytes);
    expect(await eventsOf(address(path))).toEqual(events);
    await served.close();
    folder.remove();
  });

  it('plays back as messages', async () => {
    const messages: Message[] = await lastValueFrom(playback(transcript, { speed: 20 }).pipe(toArray()));

    expect(messages.filter(isEvent)).toEqual(events);
  });
});
