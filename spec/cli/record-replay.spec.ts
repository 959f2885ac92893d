import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'rx-qmp/node';
import { readTranscript } from 'rx-qmp/testing';
import { Cli, rxQmp } from '../support/cli.js';
import { describeQemu, startQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describeQemu('rx-qmp record and replay', () => {
  it('record a real session, print it and serve it to a client', async () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'session.jsonl');
    const qemu = await startQemu(['-qmp', 'unix:steer,server=on,wait=off']);
    const client = await connect(`unix:${join(dirname(qemu.path), 'steer')}`);
    const recording = new Cli(['record', qemu.address, file]);
    // Recorded is what comes after the handshake: until an event is in the file, more of them are made.
    while (!textOf(file).includes('"RESUME"')) {
      await client.execute('stop');
      await client.execute('cont');
    }
    await client.execute('quit');
    const { code, stderr } = await recording.ended();
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^\d+ messages in /) as string });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const heard = eventsOf(client.events.history);

    const printed = await rxQmp('replay', file, '--speed', 'max', '--json');
    const lines = printed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; timestamp: object });
    expect(eventsOf(lines)).toEqual(heard.slice(-lines.length));
    expect(lines.at(-1)?.event).toBe('SHUTDOWN');

    const socket = join(folder.path, 'replay.qmp');
    const serving = new Cli(['replay', file, '--speed', 'max', '--listen', `unix:${socket}`]);
    await serving.until('stderr', /serving/);
    const watched = await rxQmp('watch', `unix:${socket}`);
    expect(watched.code).toBe(0);
    const again = watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; timestamp: object });
    expect(eventsOf(again)).toEqual(eventsOf(lines));
    serving.process.kill('SIGINT');
    expect(await serving.ended()).toMatchObject({ code: 0 });

    await client.close();
    await qemu.stop();
    folder.remove();
  });

  it('record stands between a program and its QEMU, and keeps both directions', async () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'session.jsonl');
    const front = `unix:${join(folder.path, 'front.qmp')}`;
    const qemu = await startQemu();
    const recording = new Cli(['record', qemu.address, file, '--listen', front]);
    await recording.until('stderr', /recording what connects to/);
    const client = await connect(front);
    const stops = client.listener('STOP');
    await client.execute('stop');
    await stops.get({ timeout: 5_000 });
    await client.execute('set_password', { protocol: 'vnc', password: 'hush' }).catch(() => undefined);
    expect((await client.execute('query-qmp-schema')).length).toBeGreaterThan(100);
    await client.close();
    recording.process.kill('SIGINT');
    expect(await recording.ended()).toMatchObject({ code: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(textOf(file)).not.toContain('hush');
    const entries = readTranscript(textOf(file)).map(({ dir, msg }) => {
      const [kind] = Object.keys(msg).filter((key) => key !== 'id');
      return `${dir} ${'execute' in msg ? msg.execute : 'event' in msg ? msg.event : kind}`;
    });
    expect(entries).toEqual([
      'in QMP',
      'out qmp_capabilities',
      'in return',
      'out stop',
      expect.stringMatching(/^in (STOP|timestamp)/),
      'in return',
      'out set_password',
      'in error',
      'out query-qmp-schema',
      'in return',
    ]);
    await qemu.stop();
    folder.remove();
  });

  it('record does not overwrite a file', async () => {
    const folder = temporaryFolder();
    const qemu = await startQemu();
    const file = join(folder.path, 'there');
    await rxQmp('replay', file); // says that there is none
    const first = new Cli(['record', qemu.address, file]);
    while (textOf(file) === '') await new Promise(setImmediate);
    first.process.kill('SIGINT');
    expect(await first.ended()).toMatchObject({ code: 0 });
    expect(await rxQmp('record', qemu.address, file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('EEXIST') as string,
    });
    await qemu.stop();
    folder.remove();
  });
});

describe('rx-qmp replay', () => {
  it.each([
    [1, ['replay', '/no/such/file'], /ENOENT/],
    [1, ['replay', __filename], /line 1 of the transcript/],
    [2, ['replay', __filename, '--speed', '0'], /must be a number above 0, or max/],
  ])('ends with %i, and says what is wrong with %j', async (exitCode, args, message) => {
    const { code, stderr } = await rxQmp(...args);
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(message);
  });
});

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The two monitors of one QEMU tell an event with the same time stamp. */
function eventsOf(events: readonly { event: string; timestamp: object }[]): string[] {
  return events.map(({ event, timestamp }) => `${event} ${JSON.stringify(timestamp)}`);
}
