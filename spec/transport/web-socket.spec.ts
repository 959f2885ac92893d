import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { firstValueFrom } from 'rxjs';
import { QmpClient, webSocket, type CloseReason, type Connection } from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';
import { WebSocket, WebSocketServer } from 'ws';
import { unlisted } from '../support/wire.js';

const GREETING = '{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":22},"package":"é🎉"},"capabilities":[]}}\r\n';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A server that hands each connection to `serve`, and its address. */
async function serve(
  onConnection: (socket: WebSocket, request: IncomingMessage) => void = () => undefined,
): Promise<string> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
    verifyClient: ({ req }: { req: IncomingMessage }) => req.url !== '/refused',
  });
  server.on('connection', onConnection);
  await once(server, 'listening');
  open.push({
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function dial(url: string, options: Parameters<typeof webSocket>[1] = {}): Promise<Connection> {
  return webSocket(url, { WebSocket, ...options })(new AbortController().signal);
}

/** All that arrives, as text, and how it ended. */
function read(connection: Connection): Promise<{ text: string; error?: unknown }> {
  const parts: Buffer[] = [];
  const text = (): string => Buffer.concat(parts).toString();
  return new Promise((resolve) => {
    connection.incoming$.subscribe({
      next: (chunk) => parts.push(Buffer.from(chunk as string)),
      complete: () => {
        resolve({ text: text() });
      },
      error: (error: unknown) => {
        resolve({ text: text(), error });
      },
    });
  });
}

/** Serves a FakeQemu over a WebSocket, as `cut` sends it. */
function bridge(fake: FakeQemu, cut: (socket: WebSocket, text: string) => void): (socket: WebSocket) => void {
  return (socket) => {
    void fake.connector(new AbortController().signal).then((connection) => {
      connection.incoming$.subscribe({
        next: (chunk) => {
          cut(socket, chunk as string);
        },
        complete: () => {
          socket.close(1000);
        },
        error: () => {
          socket.close(1012);
        },
      });
      socket.on('message', (data: Buffer) => {
        connection.send(data.toString());
      });
      socket.on('close', () => {
        connection.close();
      });
    });
  };
}

describe('webSocket', () => {
  describe('frames', () => {
    it.each([
      [
        'text',
        (socket: WebSocket, text: string) => {
          socket.send(text);
        },
      ],
      [
        'binary',
        (socket: WebSocket, text: string) => {
          socket.send(Buffer.from(text));
        },
      ],
      [
        'binary, byte by byte',
        (socket: WebSocket, text: string) => {
          for (const byte of Buffer.from(text)) socket.send(Buffer.of(byte));
        },
      ],
      [
        'text, character by character',
        (socket: WebSocket, text: string) => {
          for (const character of text) socket.send(character);
        },
      ],
      [
        'both, in turn',
        (socket: WebSocket, text: string) => {
          for (const [index, character] of Array.from(text).entries()) {
            socket.send(index % 2 ? character : Buffer.from(character));
          }
        },
      ],
    ])('may be %s', async (_how, cut) => {
      const greeting = { version: { qemu: { major: 9, minor: 0, micro: 0 }, package: 'é🎉' }, capabilities: ['oob'] };
      const fake = new FakeQemu({ greeting });
      const client = new QmpClient(webSocket(await serve(bridge(fake, cut)), { WebSocket }));
      open.push(client);
      expect(await client.connect()).toEqual({ QMP: greeting });
      const stops = client.listener('STOP');
      await client.execute('stop');
      expect(await stops.get()).toMatchObject({ event: 'STOP' });
    });

    it('that came before anybody subscribes are held, and the end too (C1)', async () => {
      const connection = await dial(
        await serve((socket) => {
          socket.send('a');
          socket.send(Buffer.from('b'));
          socket.close(1000);
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
      expect(await read(connection)).toEqual({ text: 'ab' });
    });
  });

  describe('the end', () => {
    it.each([
      [1000, 'normal'],
      [1001, 'going-away'],
      [1002, 'protocol-error'],
      [1003, 'unsupported-data'],
      [1007, 'invalid-data'],
      [1008, 'policy'],
      [1009, 'too-large'],
      [1011, 'server-error'],
      [1012, 'restart'],
      [1013, 'overload'],
      [4711, 'other'],
    ] as [number, CloseReason][])('with %i means %s', async (code, reason) => {
      const url = await serve((socket) => {
        socket.close(code, 'because\u001b[31m');
      });
      const { error } = await read(await dial(url));
      if (reason === 'normal') expect(error).toBeUndefined();
      else {
        expect(error).toMatchObject({ name: 'WebSocketError', code, reason, text: 'because\u001b[31m' });
        // What a server says does not reach the terminal as it is.
        expect((error as Error).message).toBe(`${url}/: closed with ${code} ${reason}: "because\\u001b[31m"`);
      }
    });

    it('without a word is abnormal', async () => {
      const { error } = await read(
        await dial(
          await serve((socket) => {
            socket.terminate();
          }),
        ),
      );
      expect(error).toMatchObject({ code: 1006, reason: 'abnormal', text: '' });
    });

    it('is a loss to a client, with the code as its cause, and reconnect goes on', async () => {
      const fake = new FakeQemu();
      const url = await serve(
        bridge(fake, (socket, text) => {
          socket.send(text);
        }),
      );
      const client = new QmpClient(webSocket(url, { WebSocket }), { reconnect: { delay: () => 1 } });
      open.push(client);
      await client.connect();
      const gap = firstValueFrom(client.gaps$);
      fake.restart();
      expect(await gap).toMatchObject({
        session: 2,
        cause: { name: 'DisconnectedError', cause: { name: 'WebSocketError', code: 1012, reason: 'restart' } },
      });
    });

    it('is a loss where the server has stopped reading and more than 128 MiB are unsent', async () => {
      const url = await serve((socket) => {
        socket.send(GREETING);
        socket.once('message', () => {
          socket.send('{"return":{},"id":1}\n');
          socket.pause();
        });
      });
      const client = new QmpClient(webSocket(url, { WebSocket }));
      open.push(client);
      await client.connect();
      const args = { text: 'x'.repeat(34 * 1024 * 1024) };
      const commands = Array.from({ length: 4 }, () => client.execute(unlisted('x-big'), args));
      for (const one of await Promise.allSettled(commands)) {
        expect(one).toMatchObject({ reason: { name: 'ExecInterruptedError', cause: { name: 'DisconnectedError' } } });
      }
      expect(client.state).toHaveProperty(
        'cause.message',
        expect.stringMatching(/stopped reading: \d{9} bytes are unsent \(the limit is 134217728\)$/),
      );
    });

    it('by close() is at once, and may be said again; sending afterwards does nothing', async () => {
      let ended: Promise<unknown[]> | undefined;
      const connection = await dial(
        await serve((socket) => {
          ended = once(socket, 'close');
        }),
      );
      connection.close();
      connection.close();
      connection.send('late');
      await ended;
    });
  });

  describe('opening', () => {
    it('that is refused rejects with the status, as a ConnectError of the client', async () => {
      const url = `${await serve()}/refused`;
      await expect(dial(url)).rejects.toMatchObject({
        name: 'WebSocketError',
        message: `${url}: not opened (1006) abnormal: Unexpected server response: 401`,
      });
      const client = new QmpClient(webSocket(url, { WebSocket }));
      await expect(client.connect()).rejects.toMatchObject({
        name: 'ConnectError',
        phase: 'connecting',
        cause: { code: 1006 },
      });
    });

    it('where nobody listens rejects', async () => {
      await expect(dial('ws://127.0.0.1:1')).rejects.toMatchObject({
        message: expect.stringContaining('ECONNREFUSED') as string,
      });
    });

    it('ends with the signal, and leaves no connection', async () => {
      const silent = createServer();
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const accepted = once(silent, 'connection');
      const controller = new AbortController();
      const dialling = webSocket(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`, { WebSocket })(
        controller.signal,
      );
      const [socket] = (await accepted) as [Socket];
      const closed = once(socket, 'close');
      socket.resume();
      controller.abort(new Error('enough'));
      await expect(dialling).rejects.toThrow('enough');
      await closed;
      await new Promise((resolve) => silent.close(resolve));
    });

    it('sends the token as a subprotocol, beside qmp or yours, never in the address', async () => {
      const offered: unknown[] = [];
      const url = await serve((_socket, request) => {
        offered.push(request.headers['sec-websocket-protocol'], request.url, request.headers.authorization);
      });
      (await dial(url, { token: 'top~secret' })).close();
      (await dial(url, { token: 'top~secret', protocols: ['binary'] })).close();
      (await dial(url)).close();
      expect(offered).toEqual([
        'qmp,bearer.top~secret',
        '/',
        undefined,
        'binary,bearer.top~secret',
        '/',
        undefined,
        undefined,
        '/',
        undefined,
      ]);
    });
  });

  it('takes ws: and wss:, http: and https:, and names the address', () => {
    expect(webSocket('ws://h:1/vms/a', { WebSocket }).address).toBe('ws://h:1/vms/a');
    expect(webSocket('https://h/vms/a', { WebSocket }).address).toBe('wss://h/vms/a');
    expect(webSocket('http://h', { WebSocket, token: 'secret' }).address).toBe('ws://h/');
  });

  it.each(['', 'h:1', 'ftp://h', 'ws:', '/vms/a', 'ws://user:password@h/', 5])(
    'throws a TypeError for the address %j',
    (url) => {
      expect(() => webSocket(url as string, { WebSocket })).toThrow(TypeError);
    },
  );

  it.each(['', 'a b', 'a,b', 'tökken', 'a\r\nHost: b'])('throws a TypeError for the token %j, without it', (token) => {
    expect(() => webSocket('ws://h', { WebSocket, token })).toThrow(/^token may hold letters, digits and [^ ]+ only$/);
  });

  it('throws a TypeError where there is no WebSocket', () => {
    const scope = globalThis as { WebSocket?: unknown };
    const known = scope.WebSocket;
    delete scope.WebSocket;
    expect(() => webSocket('ws://h')).toThrow("on Node 20 pass that of 'ws'");
    scope.WebSocket = WebSocket;
    expect(webSocket('ws://h').address).toBe('ws://h/');
    if (known === undefined) delete scope.WebSocket;
    else scope.WebSocket = known;
  });

  it('is not connected before the greeting (C2)', async () => {
    let server: WebSocket | undefined;
    const url = await serve((socket) => {
      server = socket;
      socket.send('{"event":"EARLY","timestamp":{"seconds":1,"microseconds":2}}\n');
      socket.once('message', () => {
        socket.send('{"return":{},"id":1}\n');
      });
    });
    const client = new QmpClient(webSocket(url, { WebSocket }));
    open.push(client);
    const early = firstValueFrom(client.events$);
    const connected = client.connect();
    expect(await early).toMatchObject({ event: 'EARLY' });
    expect(client.state.phase).toBe('negotiating');
    server?.send(GREETING);
    expect((await connected).QMP.version.package).toBe('é🎉');
  });
});
