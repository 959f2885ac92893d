import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { HubClient as AnyHubClient, QmpClient } from 'rx-qmp';
import { HubClient, webSocket } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { webSocket as plain, type WebSocketLike } from '../../src/transport/web-socket.js';

/** Fires `error` and then nothing, as Node 22's does where the handshake fails. */
class SilentAfterError implements WebSocketLike {
  binaryType = '';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;

  constructor() {
    queueMicrotask(() => this.onerror?.({ message: 'no handshake', error: new Error('502') } as never));
  }

  send(): void {
    this.bufferedAmount = 0;
  }

  close(): void {
    this.onmessage = null;
  }
}

describe('webSocket of rx-qmp/node', () => {
  it('needs no class, whatever the version of Node', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    const fake = new FakeQemu();
    server.on('connection', (socket) => {
      void fake.connector(new AbortController().signal).then((connection) => {
        connection.incoming$.subscribe((chunk) => {
          socket.send(chunk);
        });
        socket.on('message', (data) => {
          connection.send((data as Buffer).toString());
        });
      });
    });
    await once(server, 'listening');
    const client = new QmpClient(webSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
    await client.connect();
    expect(await client.execute('query-status')).toHaveProperty('running');
    await client.close();
    server.close();
    for (const socket of server.clients) socket.terminate();
    await once(server, 'close');
  });

  it('has a HubClient that is one of rx-qmp', async () => {
    const hub = new HubClient('http://127.0.0.1:1');
    expect(hub).toBeInstanceOf(AnyHubClient);
    await hub.close();
  });
});

describe('webSocket', () => {
  it('fails at once, with the cause, where the class tells an error and no close (Node 22)', async () => {
    const client = new QmpClient(plain('ws://hub.invalid/', { WebSocket: SilentAfterError }));
    await expect(client.connect()).rejects.toMatchObject({
      name: 'ConnectError',
      cause: { name: 'WebSocketError', code: 1006, message: expect.stringContaining('no handshake') as string },
    });
  });
});
