import { QmpClient, type ConnectionState } from 'rx-qmp';
import { accept, tcp, unixSocket } from 'rx-qmp/node';
import { connect as dial, type Socket } from 'node:net';
import { join } from 'node:path';
import { greeting, ScriptedServer } from '../support/scripted-server.js';
import { socketAt } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PATH = /^unix:/;

/** Resolves when the client has begun that attempt. */
function attempt(client: QmpClient, number: number): Promise<ConnectionState> {
  return new Promise((resolve) => {
    client.state$.subscribe((state) => {
      if (state.phase === 'negotiating' && state.attempt >= number) resolve(state);
    });
  });
}

/** Does something whenever the client enters that phase once an attempt has failed. */
function afterFailure(client: QmpClient, when: ConnectionState['phase'], act: () => void): void {
  let failed = false;
  client.state$.subscribe(({ phase }) => {
    failed ||= phase === 'reconnecting';
    if (failed && phase === when) act();
  });
}

/** A server that greets nobody by itself, and a client that tries again and again. */
async function waiting(delay: (attempt: number) => number | null): Promise<{
  server: ScriptedServer;
  client: QmpClient;
  connected: Promise<unknown>;
}> {
  const server = await ScriptedServer.unix(() => undefined);
  const client = new QmpClient(unixSocket(server.address.replace(PATH, '')), {
    connectTimeout: 10,
    reconnect: { delay },
  });
  const connected = client.connect();
  return { server, client, connected };
}

describe('a client with reconnect that is not greeted', () => {
  it('tries again on the same connection, and runs when it is greeted', async () => {
    const { server, client, connected } = await waiting(() => 1);
    await attempt(client, 4);
    expect(server.peers).toHaveLength(1);
    await server.peers[0]?.handshake();
    await connected;
    expect(client.state).toMatchObject({ phase: 'ready', session: 1 });
    await client.close();
    await server.stop();
  });

  it('runs also when it is greeted between two attempts', async () => {
    const { server, client, connected } = await waiting(() => 60_000);
    client.state$.subscribe(({ phase }) => {
      if (phase === 'reconnecting') void server.peers[0]?.handshake();
    });
    await connected;
    expect(server.peers).toHaveLength(1);
    await client.close();
    await server.stop();
  });

  it('closes the connection when the policy gives up, and says why', async () => {
    const { server, client, connected } = await waiting((number) => (number < 3 ? 1 : null));
    await expect(connected).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'GreetingError' } });
    expect(client.state).toMatchObject({ phase: 'closed', cause: { phase: 'negotiating' } });
    await server.peers[0]?.gone();
    expect(server.peers).toHaveLength(1);
    await server.stop();
  });

  it.each(['reconnecting', 'negotiating'] as const)('closes it on disconnect() while %s', async (when) => {
    const { server, client, connected } = await waiting(() => 1);
    afterFailure(client, when, () => void client.disconnect());
    await expect(connected).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'StateError' } });
    expect(client.state).toEqual({ phase: 'closed' });
    await server.peers[0]?.gone();
    expect(server.peers).toHaveLength(1);
    await server.stop();
  });

  it.each(['reconnecting', 'negotiating'] as const)('dials anew when it ends while %s', async (when) => {
    const { server, client, connected } = await waiting(() => 1);
    afterFailure(client, when, () => server.peers[0]?.reset());
    while (server.peers.length < 2) await attempt(client, 3);
    await server.peers[1]?.handshake();
    await connected;
    expect(client.state).toMatchObject({ phase: 'ready', session: 1 });
    await client.close();
    await server.stop();
  });

  it('dials anew when it was greeted, and then nothing more came', async () => {
    const server = await ScriptedServer.tcp(
      (peer) => peer.send(greeting()),
      (peer) => peer.handshake(),
    );
    const [, host = '', port] = /^tcp:(.*):(\d+)$/.exec(server.address) ?? [];
    const client = new QmpClient(tcp(host, Number(port)), { connectTimeout: 10, reconnect: { delay: () => 1 } });
    await client.connect();
    expect(server.peers).toHaveLength(2);
    await client.close();
    await server.stop();
  });

  it('lets go of who dialled in and says nothing: another may be the QEMU', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'qmp');
    const client = new QmpClient(accept(`unix:${path}`), { connectTimeout: 10, reconnect: { delay: () => 1 } });
    const connected = client.connect();
    await socketAt(path, AbortSignal.timeout(5_000));
    const silent: Socket = dial(path);
    await new Promise((resolve) => silent.resume().once('close', resolve));
    expect(client.state.phase).not.toBe('ready');
    await client.close();
    await expect(connected).rejects.toMatchObject({ name: 'ConnectError' });
    folder.remove();
  });
});
