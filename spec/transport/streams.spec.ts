import { PassThrough, Writable } from 'node:stream';
import { QmpClient, StateError, type ConnectError } from 'rx-qmp';
import { streams } from 'rx-qmp/node';
import { event, greeting } from '../support/scripted-server.js';
import { unlisted } from '../support/wire.js';

const HANDSHAKE = `${greeting()}{"return":{},"id":1}\r\n`;

describe('streams', () => {
  it('talks over streams that are open already (row 52)', async () => {
    const [stdout, stdin] = [new PassThrough(), new PassThrough()];
    const client = new QmpClient(streams(stdout, stdin));
    stdout.write(HANDSHAKE);
    await client.connect();
    expect(String(stdin.read())).toBe('{"execute":"qmp_capabilities","id":1}\n');
    stdout.write(event('STOP'));
    expect((await client.events.get()).event).toBe('STOP');
    await client.close();
    expect([stdout.destroyed, stdin.destroyed]).toEqual([true, true]);
  });

  it('takes streams of text', async () => {
    const [stdout, stdin] = [new PassThrough(), new PassThrough()];
    stdout.setEncoding('utf8');
    const client = new QmpClient(streams(stdout, stdin));
    stdout.write(HANDSHAKE);
    await client.connect();
    await client.close();
  });

  it('does not open twice', async () => {
    const [stdout, stdin] = [new PassThrough(), new PassThrough()];
    const client = new QmpClient(streams(stdout, stdin));
    stdout.write(HANDSHAKE);
    await client.connect();
    await client.disconnect();
    const error = (await client.connect().catch((reason: unknown) => reason)) as ConnectError;
    expect(error.cause).toBeInstanceOf(StateError);
    await client.close();
  });

  it('completes at the end of the readable one: a loss', async () => {
    const [stdout, stdin] = [new PassThrough(), new PassThrough()];
    const client = new QmpClient(streams(stdout, stdin));
    stdout.end(HANDSHAKE);
    const greeted = client.connect();
    const phases: string[] = [];
    const over = new Promise<void>((resolve) => {
      client.state$.subscribe(({ phase }) => {
        phases.push(phase);
        if (phase === 'closed') resolve();
      });
    });
    await greeted;
    await over;
    expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    await client.close();
  });

  it.each(['readable', 'writable'] as const)('is a loss with its cause when the %s one breaks', async (which) => {
    const [stdout, stdin] = [new PassThrough(), new PassThrough()];
    const client = new QmpClient(streams(stdout, stdin));
    stdout.write(HANDSHAKE);
    await client.connect();
    const reading = client.events.get();
    const cause = new Error('broken');
    (which === 'readable' ? stdout : stdin).destroy(cause);
    await expect(reading).rejects.toMatchObject({ name: 'DisconnectedError', cause });
    await client.close();
  });

  it('is a loss when somebody else destroys them', async () => {
    const [stdout, stdin] = [new PassThrough(), new PassThrough()];
    const client = new QmpClient(streams(stdout, stdin));
    stdout.write(HANDSHAKE);
    await client.connect();
    const reading = client.events.get();
    stdout.destroy();
    await expect(reading).rejects.toMatchObject({ name: 'DisconnectedError' });
    await client.close();
  });

  it('gives up when the other end takes no more than 128 MiB of unsent commands', async () => {
    const stdout = new PassThrough();
    let first = true;
    const stdin = new Writable({
      write: (_chunk, _encoding, done) => {
        if (first) done();
        first = false;
      },
    });
    const client = new QmpClient(streams(stdout, stdin));
    stdout.write(HANDSHAKE);
    await client.connect();
    const arguments_ = { text: 'x'.repeat(60 * 1024 * 1024) };
    const results = await Promise.allSettled([1, 2, 3].map(() => client.execute(unlisted('x-big'), arguments_)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(client.state).toHaveProperty('cause.message', expect.stringContaining('the other end has stopped reading'));
    await client.close();
  });

  it.each<[string, unknown, unknown]>([
    ['readable', undefined, new PassThrough()],
    ['readable', {}, new PassThrough()],
    ['writable', new PassThrough(), 'stdin'],
  ])('refuses a %s that is none at once', (argument, readable, writable) => {
    expect(() => streams(readable as never, writable as never)).toThrow(`${argument} must be a ${argument} stream`);
  });
});
