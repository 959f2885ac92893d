import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { QmpClient, type Connector, type QmpEvent } from 'rx-qmp';
import { serve, unixSocket } from 'rx-qmp/node';
import { eventAt, FakeQemu, playback, qmpMarbles, readTranscript, record, replay } from 'rx-qmp/testing';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A transcript of these commands, run one after the other against a FakeQemu. */
async function recorded(run: (client: QmpClient, fake: FakeQemu) => Promise<unknown>): Promise<string[]> {
  const fake = new FakeQemu();
  const client = new QmpClient(fake.connector);
  const lines = lastValueFrom(record(client).pipe(toArray()));
  await client.connect();
  await run(client, fake);
  await client.close();
  return lines;
}

const STOP_AND_GO = (client: QmpClient): Promise<unknown> =>
  client.execute('stop').then(() => client.execute('query-status').then(() => client.execute('cont')));

describe('record', () => {
  it('writes JSON lines { t, dir, msg } of both directions, in their order', async () => {
    const lines = await recorded(STOP_AND_GO);
    const told = readTranscript(lines).map(({ dir, msg }) => [dir, Object.keys(msg).join(' ')]);

    expect(told).toEqual([
      ['in', 'QMP'],
      ['out', 'execute arguments id'],
      ['in', 'return id'],
      ['out', 'execute id'],
      ['in', 'timestamp event'],
      ['in', 'return id'],
      ['out', 'execute id'],
      ['in', 'return id'],
      ['out', 'execute id'],
      ['in', 'timestamp event'],
      ['in', 'return id'],
    ]);
    expect(JSON.parse(lines[4] ?? '')).toMatchObject({ t: expect.any(Number) as number, msg: { event: 'STOP' } });
  });

  it('keeps what the server sent byte for byte', async () => {
    const raw =
      '{"timestamp":{"seconds":1,"microseconds":0}, "event" :"X", "data": {"a": 333.71276190476192, "b": 1.0}}';
    const lines = await recorded((_client, fake) => {
      fake.send(`${raw}\r\n`);
      return Promise.resolve();
    });

    expect(readTranscript(lines).at(-1)?.text).toBe(raw);
  });

  it('begins with the greeting where the client runs already', async () => {
    const client = new QmpClient(new FakeQemu().connector);
    const greeting = await client.connect();
    const lines: string[] = [];
    record(client).subscribe((line) => lines.push(line));

    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{ t: 0, dir: 'in', msg: greeting }]);
    await client.close();
  });

  it.each([
    ['set_password', { protocol: 'vnc', password: 'hunter2' }],
    ['change-vnc-password', { password: 'hunter2' }],
    ['object-add', { 'qom-type': 'secret', id: 'sec0', data: 'hunter2' }],
    ['qom-set', { path: '/objects/sec0', property: 'data', value: 'hunter2' }],
    ['human-monitor-command', { 'command-line': 'set_password vnc hunter2' }],
  ] as const)('blanks the secrets of %s', async (command, args) => {
    const lines = await recorded((client) => client.execute(command as string, args).catch(() => undefined));

    expect(lines.join('\n')).toContain(command);
    expect(lines.join('\n')).toContain('(blanked)');
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  it('leaves what is no secret', async () => {
    const lines = await recorded((client) =>
      client.execute('human-monitor-command', { 'command-line': 'info status' }),
    );

    expect(lines.join('\n')).toContain('info status');
  });
});

describe('readTranscript', () => {
  it('takes lines that another tool has written anew', () => {
    const [entry] = readTranscript('\n{"dir":"in","msg":{"event":"STOP","x":[1,2]},"t":5}\n\n');

    expect(entry).toEqual({
      t: 5,
      dir: 'in',
      msg: { event: 'STOP', x: [1, 2] },
      text: '{"event": "STOP", "x": [1, 2]}',
    });
  });

  it.each(['nonsense', '5', '{"t": 1, "dir": "up", "msg": {}}', '{"t": -1, "dir": "in", "msg": {}}', '{"t": 1}'])(
    'says which line is none of a transcript: %s',
    (line) => {
      expect(() => readTranscript(`\n${line}`)).toThrow(/line 2 of the transcript/);
    },
  );
});

describe('replay', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  const eventsOf = async (connector: Connector): Promise<readonly QmpEvent[]> => {
    const client = new QmpClient(connector);
    await client.connect();
    const { history } = client.events;
    await client.close();
    return history;
  };

  it('says the same events again, in memory and through a unix socket', async () => {
    const transcript = readTranscript(await recorded(STOP_AND_GO));
    const events = transcript.map(({ msg }) => msg).filter((msg) => 'event' in msg);
    const folder = temporaryFolder();
    const path = join(folder.path, 'qmp');
    const served = await serve(replay(transcript, { speed: Infinity }), `unix:${path}`);
    const client = new QmpClient(unixSocket(path));
    const resumed = client.listener('RESUME');
    await client.connect();
    await resumed.get();

    expect(client.events.history).toEqual(events);
    expect(await eventsOf(replay(transcript, { speed: Infinity }))).toEqual(events);
    expect(events).toHaveLength(2);
    await client.close();
    await served.close();
    folder.remove();
  });

  it('answers the commands that were recorded, each as often as it was, and the others with an error', async () => {
    const transcript = readTranscript(await recorded(STOP_AND_GO));
    const client = new QmpClient(replay(transcript, { speed: Infinity }));
    await client.connect();

    expect(await client.execute('query-status')).toMatchObject({ status: 'paused' });
    await expect(client.execute('query-status')).rejects.toThrow('no further answer to query-status');
    await expect(client.execute('query-block')).rejects.toThrow('no further answer to query-block');
    await client.close();
  });

  it('keeps to the recorded time, so an event still comes before the reply it came before', async () => {
    jest.useFakeTimers();
    const transcript = readTranscript(
      [
        '{"t": 0, "dir": "in", "msg": {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": ""}, "capabilities": []}}}',
        '{"t": 1000, "dir": "out", "msg": {"execute": "stop", "id": 7}}',
        '{"t": 2000, "dir": "in", "msg": {"timestamp": {"seconds": 1, "microseconds": 0}, "event": "STOP"}}',
        '{"t": 2000, "dir": "in", "msg": {"return": {}, "id": 7}}',
      ].join('\n'),
    );
    const client = new QmpClient(replay(transcript, { speed: 2 }));
    const connected = client.connect();
    await jest.advanceTimersByTimeAsync(0);
    await connected;
    const seen: string[] = [];
    client.observe('STOP').subscribe(() => seen.push('STOP'));
    void client.execute('stop').then(() => seen.push('reply'));

    await jest.advanceTimersByTimeAsync(999);
    expect(seen).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(seen).toEqual(['STOP', 'reply']);
    await client.close();
  });

  it('closes after SHUTDOWN, breaks where another session followed, and refuses after the last', async () => {
    const first = await recorded(STOP_AND_GO);
    const second = await recorded((client) => client.execute('quit'));
    const connector = replay(readTranscript([...first, ...second]), { speed: Infinity });
    const client = new QmpClient(connector);

    await client.connect();
    expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    await client.connect();
    expect(client.state).toMatchObject({ phase: 'closed', shutdown: { reason: 'host-qmp-quit' } });
    expect(client.state).not.toHaveProperty('cause');
    expect(client.events.history.map(({ event }) => event)).toEqual(['STOP', 'RESUME', 'SHUTDOWN']);
    await expect(client.connect()).rejects.toThrow('the recording is over');
  });

  it('refuses a speed that is none', () => {
    expect(() => replay([], { speed: 0 })).toThrow(RangeError);
    expect(() => playback([], { speed: NaN })).toThrow(RangeError);
    expect(() => playback([], { speed: '10' as never })).toThrow(TypeError);
  });
});

describe('playback', () => {
  it('feeds marbles, at the recorded time or faster', () => {
    const line = (t: number, event: string): string =>
      `{"t": ${t}, "dir": "in", "msg": {"timestamp": {"seconds": 9, "microseconds": 0}, "event": "${event}"}}`;
    const transcript = readTranscript([line(2, 'STOP'), line(20, 'RESUME')]);
    const values = { s: eventAt(9000, 'STOP'), r: eventAt(9000, 'RESUME') };
    qmpMarbles(({ bus, expectObservable }) => {
      expectObservable(bus(playback(transcript)).events$).toBe('--s 17ms (r|)', values);
      expectObservable(playback(transcript, { speed: 2 })).toBe('-s 8ms (r|)', values);
      expectObservable(playback(transcript, { speed: Infinity })).toBe('(sr|)', values);
    });
  });
});
