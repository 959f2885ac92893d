import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { webSocket, type Connection, type Connector } from 'rx-qmp';
import { address, streams } from 'rx-qmp/node';
import { WebSocket, WebSocketServer } from 'ws';
import { ScriptedServer } from '../support/scripted-server.js';

/** The other end of a connection. */
interface Peer {
  send(text: string): unknown;
  /** Closes in good order; resolves when all that was sent has arrived, or waits in a socket or stream. */
  close(): unknown;
  /** The next line that we send. */
  line(): Promise<string>;
  /** Resolves when we have closed. */
  gone(): Promise<unknown>;
}

interface Tried {
  readonly connector: Connector;
  /** The other end of the first connection, once there is one. */
  peer(): Promise<Peer>;
  stop(): Promise<void>;
}

async function socket(server: ScriptedServer): Promise<Tried> {
  const peer = async (): Promise<Peer> => {
    const one = await server.peer(1);
    return {
      send: (text) => one.send(text),
      close: () => {
        one.close();
      },
      line: async () => (await one.command()).line,
      gone: () => one.gone(),
    };
  };
  return Promise.resolve({ connector: address(server.address), peer, stop: () => server.stop() });
}

async function webSocketOf(): Promise<Tried> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  await once(server, 'listening');
  const peer = async (): Promise<Peer> => {
    const [one] = await connected;
    const closed = once(one, 'close');
    return {
      send: (text) => {
        one.send(text);
      },
      close: () => {
        one.close(1000);
        // The answer to the closing frame comes after all others were taken.
        return closed;
      },
      line: async () => String((await once(one, 'message'))[0]).trimEnd(),
      gone: () => closed,
    };
  };
  const stop = async (): Promise<void> => {
    for (const one of server.clients) one.terminate();
    server.close();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  return { connector: webSocket(`ws://127.0.0.1:${port}/`, { WebSocket }), peer, stop };
}

function streamsOf(): Promise<Tried> {
  const [stdout, stdin] = [new PassThrough(), new PassThrough()];
  const peer: Peer = {
    send: (text) => stdout.write(text),
    close: () => stdout.end(),
    line: async () => String((await once(stdin, 'data'))[0]).trimEnd(),
    gone: () => (stdin.destroyed ? Promise.resolve() : once(stdin, 'close')),
  };
  const stop = (): Promise<void> => {
    stdout.destroy();
    stdin.destroy();
    return Promise.resolve();
  };
  return Promise.resolve({ connector: streams(stdout, stdin), peer: () => Promise.resolve(peer), stop });
}

/** All that arrives, as text, and whether the end was in good order. */
function read(connection: Connection): Promise<[text: string, end: 'completed' | 'failed']> {
  const parts: Buffer[] = [];
  return new Promise((resolve) => {
    const ended = (how: 'completed' | 'failed') => (): void => {
      resolve([Buffer.concat(parts).toString(), how]);
    };
    connection.incoming$.subscribe({
      next: (chunk) => parts.push(Buffer.from(chunk as string)),
      complete: ended('completed'),
      error: ended('failed'),
    });
  });
}

/** What each connector must do. A new one gets a line here. */
describe.each<[string, () => Promise<Tried>]>([
  ['unixSocket()', async () => socket(await ScriptedServer.unix(() => undefined))],
  ['tcp()', async () => socket(await ScriptedServer.tcp(() => undefined))],
  ['webSocket()', webSocketOf],
  ['streams()', streamsOf],
])('a connection of %s', (_name, begin) => {
  let tried: Tried;

  beforeEach(async () => {
    tried = await begin();
  });

  afterEach(() => tried.stop());

  it('delivers what has come before somebody subscribes, all in order, and completes after the other end has closed', async () => {
    const connection = await tried.connector(new AbortController().signal);
    const peer = await tried.peer();
    for (let part = 0; part < 100; part += 1) await peer.send(`{"part":${part}}\r\n`);
    await peer.close();
    const all = Array.from({ length: 100 }, (_, part) => `{"part":${part}}\r\n`).join('');
    expect(await read(connection)).toEqual([all, 'completed']);
    connection.close();
  });

  it('sends, and the caller may use the memory of the bytes again at once', async () => {
    const connection = await tried.connector(new AbortController().signal);
    const peer = await tried.peer();
    const line = peer.line();
    const bytes = Buffer.from('{"execute":"stop"}\n');
    connection.send(bytes);
    bytes.fill(0);
    expect(await line).toBe('{"execute":"stop"}');
    connection.close();
  });

  it('completes after our own close, which may come twice, and the other end sees it (C17)', async () => {
    const connection = await tried.connector(new AbortController().signal);
    const peer = await tried.peer();
    const ended = read(connection);
    connection.close();
    connection.close();
    expect(await ended).toEqual(['', 'completed']);
    await peer.gone();
  });

  it('is given up when the signal of the attempt aborts', async () => {
    const aborting = new AbortController();
    const opening = tried.connector(aborting.signal);
    aborting.abort(new Error('changed my mind'));
    // Streams are open already. What is left open otherwise fails the file: the environment looks for it.
    await opening.then(
      (connection) => {
        connection.close();
      },
      (error: unknown) => {
        expect(error).toBeInstanceOf(Error);
      },
    );
  });
});
