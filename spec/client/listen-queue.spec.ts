import { connect as dial, type Socket } from 'node:net';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient, type ConnectionState, type Connector } from 'rx-qmp';
import { accept, tcp, unixSocket } from 'rx-qmp/node';
import { greeting, ScriptedServer } from '../support/scripted-server.js';
import { socketAt } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CONNECT_TIMEOUT = 60_000;
const DELAY = 10;

let client: QmpClient;

beforeEach(() => {
  // Only what the client waits for: sockets take the time that they take, however busy the machine is.
  jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
});

afterEach(async () => {
  await client.close();
  jest.useRealTimers();
});

function dialling(connector: Connector, delay: (attempt: number) => number | null): Promise<unknown> {
  client = new QmpClient(connector, { connectTimeout: CONNECT_TIMEOUT, reconnect: { delay } });
  const connected = client.connect();
  // A test that fails before it looks leaves no rejection behind.
  connected.catch(() => undefined);
  return connected;
}

/** A server that greets nobody by itself, and a client that tries again and again. */
async function waiting(
  delay: (attempt: number) => number | null,
): Promise<{ server: ScriptedServer; connected: Promise<unknown> }> {
  const server = await ScriptedServer.unix(() => undefined);
  return { server, connected: dialling(unixSocket(server.address.replace(/^unix:/, '')), delay) };
}

function entered(phase: ConnectionState['phase'], attempt = 1): Promise<ConnectionState> {
  return firstValueFrom(
    client.state$.pipe(filter((state) => state.phase === phase && (!('attempt' in state) || state.attempt >= attempt))),
  );
}

/** The attempt is connected, and times out. */
async function timeOut(attempt: number): Promise<void> {
  await entered('negotiating', attempt);
  jest.advanceTimersByTime(CONNECT_TIMEOUT);
}

/** Lets time pass while the sockets do what they do. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    jest.advanceTimersByTime(DELAY);
    await new Promise(setImmediate);
  }
}

/** Lets the first attempt fail, and is at the wait after it or in the second attempt. */
async function failedAndNow(phase: 'reconnecting' | 'negotiating'): Promise<void> {
  await timeOut(1);
  await entered('reconnecting');
  if (phase === 'reconnecting') return;
  jest.advanceTimersByTime(DELAY);
  await entered('negotiating', 2);
}

describe('a client with reconnect that is not greeted', () => {
  it('tries again on the same connection, and is ready when it is greeted', async () => {
    const { server, connected } = await waiting(() => DELAY);
    for (let attempt = 1; attempt < 4; attempt += 1) {
      await timeOut(attempt);
      jest.advanceTimersByTime(DELAY);
    }
    await entered('negotiating', 4);
    await (await server.peer(1)).handshake();
    await connected;
    expect(server.peers.length).toBe(1);
    expect(client.state).toMatchObject({ phase: 'ready', session: 1 });
  });

  it('is ready also when it is greeted between two attempts', async () => {
    const { server, connected } = await waiting(() => DELAY);
    await failedAndNow('reconnecting');
    await (await server.peer(1)).handshake();
    await connected;
    expect(server.peers.length).toBe(1);
  });

  it('closes the connection when the policy gives up, and says why', async () => {
    const { server, connected } = await waiting((attempt) => (attempt < 3 ? DELAY : null));
    for (let attempt = 1; attempt < 3; attempt += 1) {
      await timeOut(attempt);
      jest.advanceTimersByTime(DELAY);
    }
    await expect(connected).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'GreetingError' } });
    expect(client.state).toMatchObject({ phase: 'closed', cause: { phase: 'negotiating' } });
    await (await server.peer(1)).gone();
    expect(server.peers.length).toBe(1);
  });

  it.each(['reconnecting', 'negotiating'] as const)('closes it on disconnect() while %s', async (phase) => {
    const { server, connected } = await waiting(() => DELAY);
    await failedAndNow(phase);
    void client.disconnect();
    await expect(connected).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'StateError' } });
    expect(client.state).toEqual({ phase: 'closed' });
    await (await server.peer(1)).gone();
    expect(server.peers.length).toBe(1);
  });

  it.each(['reconnecting', 'negotiating'] as const)('dials again when it ends while %s', async (phase) => {
    const { server, connected } = await waiting(() => DELAY);
    await failedAndNow(phase);
    (await server.peer(1)).reset();
    await until(() => server.peers.length > 1);
    await (await server.peer(2)).handshake();
    await connected;
    expect(client.state).toMatchObject({ phase: 'ready', session: 1 });
  });

  it('dials again when it was greeted, and then nothing more came', async () => {
    const server = await ScriptedServer.tcp(
      (peer) => peer.send(greeting()),
      (peer) => peer.handshake(),
    );
    const [, host = '', port] = /^tcp:(.*):(\d+)$/.exec(server.address) ?? [];
    const connected = dialling(tcp(host, Number(port)), () => DELAY);
    await firstValueFrom(client.messages$);
    jest.advanceTimersByTime(CONNECT_TIMEOUT);
    await until(() => server.peers.length > 1);
    await connected;
    expect(server.peers.length).toBe(2);
  });

  it('lets go of who dialled in and says nothing: another may be the QEMU', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'qmp');
    void dialling(accept(`unix:${path}`), () => DELAY);
    await socketAt(path, new AbortController().signal);
    const silent: Socket = dial(path);
    await until(() => {
      jest.advanceTimersByTime(1_000);
      return silent.resume().destroyed;
    });
    expect(client.state.phase).not.toBe('ready');
    folder.remove();
  });
});
