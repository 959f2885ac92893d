import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectNet, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import { firstValueFrom, Subject } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { accept, accept$, tcp } from 'rx-qmp/node';
import { Peer } from '../support/scripted-server.js';

const cert = readFileSync(join(__dirname, '../fixtures/tls/cert.pem'));
const key = readFileSync(join(__dirname, '../fixtures/tls/key.pem'));

const MISSING = /it may want a client certificate that it trusts|misses one, ends in this way/;

const servers: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** A QMP server over TLS, which stops after the test. */
async function serve(options: TlsOptions = {}): Promise<{ port: number }> {
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
  servers.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
  return { port: (server.address() as AddressInfo).port };
}

describe('tcp with tls', () => {
  it('connects to a server whose certificate it trusts (row 52)', async () => {
    const server = await serve();
    const client = new QmpClient(tcp('localhost', server.port, { tls: { ca: [cert] } }));
    await client.connect();
    expect(await client.execute('query-status')).toEqual({ running: true });
    await client.close();
  });

  it('sends its own certificate where the server asks for one (row 52)', async () => {
    const server = await serve({ requestCert: true, ca: [cert] });
    const tls = { ca: [cert], cert, key };
    const client = new QmpClient(tcp('localhost', server.port, { tls }));
    await client.connect();
    await client.close();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('says where its certificate may be missing: %s', async (maxVersion) => {
    const server = await serve({ requestCert: true, ca: [cert], maxVersion });
    const client = new QmpClient(tcp('localhost', server.port, { tls: { ca: [cert] } }));
    const error = (await client.connect().catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ name: 'ConnectError' });
    expect(error.message).toMatch(/certificate/);
    expect(error.message).toMatch(MISSING);
    await client.close();
  });

  it('says so where the server trusts another authority', async () => {
    const server = await serve({ requestCert: true, maxVersion: 'TLSv1.2' });
    const client = new QmpClient(tcp('localhost', server.port, { tls: { ca: [cert], cert, key } }));
    await expect(client.connect()).rejects.toThrow(MISSING);
    await client.close();
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

describe('accept$ over TCP', () => {
  it.each([
    ['in the clear', undefined],
    ['with tls', { cert, key }],
  ])('gives a client for each QEMU that dials in, named by its address: %s (C16)', async (_what, tls) => {
    const port = await freePort();
    const clients: QmpClient[] = [];
    const arrived = new Subject<void>();
    const listening = accept$(`tcp:127.0.0.1:${port}`, tls ? { tls } : {}).subscribe((client) => {
      clients.push(client);
      arrived.next();
    });
    const silent = await dialled(port);
    const silentGone = once(silent, 'close');
    const sockets: Socket[] = [];
    for (let count = 0; count < 2; count += 1) {
      const next = firstValueFrom(arrived);
      const socket = tls
        ? connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: [cert] })
        : connectNet(port, '127.0.0.1');
      sockets.push(socket);
      const peer = new Peer(socket);
      await peer.handshake();
      await next;
      void peer.replyToAll({ running: true });
    }
    listening.unsubscribe();
    await silentGone;
    expect(clients.map(({ name, state }) => [name, state.phase])).toEqual(
      sockets.map(({ localPort }) => [`tcp:127.0.0.1:${localPort}`, 'ready']),
    );
    for (const client of clients) {
      expect(await client.execute('query-status')).toEqual({ running: true });
      await client.close();
    }
    for (const socket of sockets) socket.destroy();
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
