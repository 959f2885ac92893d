import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectNet, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import { QmpClient } from 'rx-qmp';
import { accept, tcp } from 'rx-qmp/node';
import { Peer } from '../support/scripted-server.js';

const cert = readFileSync(join(__dirname, '../fixtures/tls/cert.pem'));
const key = readFileSync(join(__dirname, '../fixtures/tls/key.pem'));

/** A QMP server over TLS. */
async function serve(options: TlsOptions = {}): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets: TLSSocket[] = [];
  const server: Server = createServer({ cert, key, ...options }, (socket) => {
    sockets.push(socket);
    const peer = new Peer(socket);
    void peer.handshake().then(
      () => peer.replyToAll({ running: true }),
      () => undefined,
    );
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('tcp with tls', () => {
  it('connects to a server whose certificate it trusts (row 52)', async () => {
    const server = await serve();
    const client = new QmpClient(tcp('localhost', server.port, { tls: { ca: [cert] } }));
    await client.connect();
    expect(await client.execute('query-status')).toEqual({ running: true });
    await client.close();
    await server.stop();
  });

  it('sends its own certificate where the server asks for one (row 52)', async () => {
    const server = await serve({ requestCert: true, ca: [cert] });
    const tls = { ca: [cert], cert, key };
    const client = new QmpClient(tcp('localhost', server.port, { tls }));
    await client.connect();
    await client.close();
    const stranger = new QmpClient(tcp('localhost', server.port, { tls: { ca: [cert] } }));
    await expect(stranger.connect()).rejects.toMatchObject({ name: 'ConnectError' });
    await stranger.close();
    await server.stop();
  });

  it('refuses a server that it does not trust, and one that speaks no TLS', async () => {
    const server = await serve();
    const client = new QmpClient(tcp('localhost', server.port, { tls: {} }));
    await expect(client.connect()).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'connecting',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    await client.close();
    await server.stop();
  });

  it('refuses bad TLS options with a ConnectError', async () => {
    const client = new QmpClient(tcp('localhost', 1, { tls: { cert: 'no PEM' } }));
    await expect(client.connect()).rejects.toMatchObject({ name: 'ConnectError', phase: 'connecting' });
    await client.close();
  });
});

describe('accept with tls', () => {
  it('takes the first that has shaken hands, and leaves nobody half-way (row 52)', async () => {
    const port = await freePort();
    const client = new QmpClient(accept(`tcp:127.0.0.1:${port}`, { tls: { cert, key } }));
    const greeted = client.connect();
    const lurker = await dialled(port);
    const lurkerGone = once(lurker, 'close');
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: [cert] });
    await new Peer(socket).handshake();
    await greeted;
    await lurkerGone;
    await client.close();
    socket.destroy();
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Dials until somebody listens. */
async function dialled(port: number): Promise<ReturnType<typeof connectNet>> {
  for (;;) {
    const socket = connectNet(port, '127.0.0.1').on('error', () => undefined);
    const [name] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'close').then(() => ['close']),
    ]);
    if (name === 'connect') return socket.resume();
  }
}
