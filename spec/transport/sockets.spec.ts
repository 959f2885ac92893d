import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient, type ConnectError } from 'rx-qmp';
import { address, connect, tcp, unixSocket } from 'rx-qmp/node';
import { explain } from '../../src/transport/node/socket-errors.js';
import { event, greeting, ScriptedServer } from '../support/scripted-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { unlisted } from '../support/wire.js';

/** What connect() to an address fails with. */
async function failure(to: string, connectTimeout = 5_000): Promise<ConnectError> {
  const error: unknown = await connect(to, {
    connectTimeout,
    logger: { debug: () => undefined, warn: () => undefined },
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'ConnectError' });
  return error as ConnectError;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('connect', () => {
  const folder = temporaryFolder();
  afterAll(() => {
    folder.remove();
  });

  describe('to the wrong place names the address and says what to do', () => {
    it('a socket that is not there', async () => {
      const to = `unix:${join(folder.path, 'none')}`;
      const error = await failure(to);
      expect(error).toMatchObject({ phase: 'connecting', cause: { code: 'ENOENT' } });
      expect(error.message).toMatch(`cannot connect to ${to}: there is no such socket; is QEMU running`);
    });

    it('a port that nobody listens on', async () => {
      const to = `tcp:127.0.0.1:${await freePort()}`;
      const error = await failure(to);
      expect(error).toMatchObject({ phase: 'connecting', cause: { code: 'ECONNREFUSED' } });
      expect(error.message).toMatch(`cannot connect to ${to}: nobody listens there; is QEMU running`);
    });

    it('a socket whose server is gone', async () => {
      const path = join(folder.path, 'stale');
      const server = createServer().listen(path);
      await once(server, 'listening');
      // What libuv unlinks on close, a killed QEMU leaves behind.
      const kept = join(folder.path, 'kept');
      linkSync(path, kept);
      server.close();
      await once(server, 'close');
      expect(await failure(`unix:${kept}`)).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    });

    it('a file', async () => {
      const path = join(folder.path, 'file');
      writeFileSync(path, '');
      const error = await failure(`unix:${path}`);
      expect(error.phase).toBe('connecting');
      expect(error.message).toMatch(/nobody listens there|that is not a socket/);
    });

    it('a folder', async () => {
      const path = join(folder.path, 'folder');
      mkdirSync(path);
      expect((await failure(`unix:${path}`)).message).toContain(`unix:${path}`);
    });

    it('a host that does not exist', async () => {
      const error = await failure('tcp:no-such-host.invalid:4444');
      expect(error.message).toContain('tcp:no-such-host.invalid:4444');
    });

    it('an HTTP server that waits for a request', async () => {
      const server = createHttpServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const error = await failure(`tcp:127.0.0.1:${(server.address() as AddressInfo).port}`, 50);
      expect(error).toMatchObject({ phase: 'negotiating', cause: { name: 'GreetingError' } });
      expect(error.message).toMatch(/not greeted within 50 ms.*no QMP monitor/);
      server.close();
      await once(server, 'close');
    });

    it('an HTTP server that answers 400 and closes', async () => {
      const server = createHttpServer({ headersTimeout: 20, connectionsCheckingInterval: 5 }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      server.on('connection', (socket) => {
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      });
      const error = await failure(`tcp:127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect(error).toMatchObject({ phase: 'negotiating', cause: { name: 'GreetingError' } });
      expect(error.message).toMatch(/400 Bad Request.*is this a QMP monitor/);
      server.close();
      await once(server, 'close');
    });

    it('a monitor for people', async () => {
      const server = await ScriptedServer.unix(async (peer) => {
        await peer.send("QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
        await peer.gone();
      });
      const error = await failure(server.address, 50);
      expect(error).toMatchObject({ phase: 'negotiating', cause: { name: 'GreetingError' } });
      await server.stop();
    });

    it('a server that closes at once', async () => {
      const server = await ScriptedServer.tcp((peer) => {
        peer.close();
      });
      const error = await failure(server.address);
      expect(error).toMatchObject({ phase: 'negotiating', cause: { name: 'GreetingError' } });
      expect(error.message).toContain('closed before any greeting came');
      await server.stop();
    });
  });

  it('gives a connected client in one line, named by its address', async () => {
    const server = await ScriptedServer.tcp(async (peer) => {
      await peer.handshake();
      await peer.replyToAll();
    });
    const client = await connect(server.address, { signal: new AbortController().signal });
    expect([client.name, client.state.phase]).toEqual([server.address, 'ready']);
    await client.close();
    await server.stop();
  });

  it('leaves nothing open when its signal aborts', async () => {
    const server = await ScriptedServer.unix((peer) => peer.gone());
    const controller = new AbortController();
    const connecting = connect(server.address, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    await server.stop();
  });

  it('refuses what is no address at once, in words', async () => {
    for (const [to, type, message] of [
      ['', TypeError, /address must be unix:PATH or tcp:HOST:PORT/],
      ['/run/vm.qmp', TypeError, /address must be/],
      ['tcp:localhost', TypeError, /address must be/],
      ['tcp:::1:4444', TypeError, /in brackets/],
      ['tcp:localhost:0', RangeError, /port/],
      ['tcp:localhost:65536', RangeError, /port/],
      ['unix:', TypeError, /path/],
      [`unix:/${'x'.repeat(107)}`, RangeError, /at most 107/],
      ['ws://localhost', TypeError, /address must be/],
      [5, TypeError, /not 5/],
      [undefined, TypeError, /not undefined/],
    ] as const) {
      await expect(connect(to as string)).rejects.toThrow(type);
      await expect(connect(to as string)).rejects.toThrow(message);
    }
  });
});

describe('address', () => {
  it('keeps its words as the connector’s address', () => {
    expect(address('unix:/run/a b:c,d.qmp').address).toBe('unix:/run/a b:c,d.qmp');
    expect(address('tcp:localhost:4444').address).toBe('tcp:localhost:4444');
    expect(address('tcp:[::1]:4444').address).toBe('tcp:[::1]:4444');
  });

  it.each<[string, () => unknown, string]>([
    ['unixSocket', () => unixSocket(''), 'path'],
    ['unixSocket', () => unixSocket(5 as never), 'path'],
    ['tcp', () => tcp('', 1), 'host'],
    ['tcp', () => tcp('localhost', '1' as never), 'port'],
    ['tcp', () => tcp('localhost', 1.5), 'port'],
  ])('refuses bad arguments of %s at once (%#)', (_name, make, argument) => {
    expect(make).toThrow(argument);
  });
});

describe('explain', () => {
  it.each([
    ['EACCES', 'permission denied; you need write permission'],
    ['EAGAIN', 'the monitor is busy'],
    ['ENOTSOCK', 'that is not a socket'],
    ['EADDRINUSE', 'the address is in use'],
  ])('says what to do about %s, with the address and the cause', (code, advice) => {
    const cause = Object.assign(new Error(`connect ${code} /run/vm`), { code });
    const error = explain('unix:/run/vm', cause);
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(`unix:/run/vm: ${advice}`);
    expect(error.message).toMatch(`(connect ${code} /run/vm)`);
  });

  it('keeps the words of an error it does not know, and those of several in one', () => {
    expect(explain('tcp:h:1', new Error('odd')).message).toBe('tcp:h:1: odd');
    const each = ['::1', '127.0.0.1'].map((host) => new Error(`connect ECONNREFUSED ${host}:1`));
    const both = Object.assign(new AggregateError(each), { code: 'ECONNREFUSED' });
    expect(explain('tcp:localhost:1', both).message).toMatch(/ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1/);
  });
});

describe('the connection of a socket', () => {
  it('holds what came before it is subscribed, and completes after a close (C1)', async () => {
    const server = await ScriptedServer.unix(async (peer) => {
      await peer.send(greeting());
      peer.close();
    });
    const connection = await address(server.address)(new AbortController().signal);
    await new Promise((resolve) => setImmediate(resolve));
    let text = '';
    await new Promise<void>((resolve, reject) => {
      connection.incoming$.subscribe({ next: (chunk) => (text += String(chunk)), complete: resolve, error: reject });
    });
    expect(text).toBe(greeting());
    connection.close();
    connection.close();
    connection.send('after the end is no error');
    await server.stop();
  });

  it('is not opened with a signal that has aborted, and given up with one that aborts (C1)', async () => {
    const server = await ScriptedServer.tcp((peer) => peer.gone());
    await expect(address(server.address)(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    const controller = new AbortController();
    const opening = address(server.address)(controller.signal);
    controller.abort(new Error('during'));
    await expect(opening).rejects.toThrow('during');
    await server.stop();
  });

  it('keeps the loop free between chunks: timers run during a burst of 50,000 events (row 37)', async () => {
    const server = await ScriptedServer.unix(async (peer) => {
      await peer.handshake();
      for (let sent = 0; sent < 50; sent += 1) await peer.send(event('BURST', { sent }).repeat(1_000));
      await peer.send(event('END'));
      await peer.gone();
    });
    const client = new QmpClient(address(server.address), { events: { queueLimit: 0 } });
    let turns = 0;
    let turn = setImmediate(function again() {
      turns += 1;
      turn = setImmediate(again);
    });
    const end = client.listener(unlisted('END')).get();
    await client.connect();
    const before = turns;
    await end;
    clearImmediate(turn);
    expect(turns - before).toBeGreaterThan(10);
    expect(client.stats).toMatchObject({ events: 50_001, faults: 0 });
    await client.close();
    await server.stop();
  });
});
