import { connect as connectNet, type Socket } from 'node:net';
import { existsSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { QmpClient } from 'rx-qmp';
import { accept } from 'rx-qmp/node';
import { socketAt } from '../support/qemu.js';
import { Peer } from '../support/scripted-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
afterAll(() => {
  folder.remove();
});

/** A QEMU, as far as it dials. */
async function dial(path: string): Promise<{ socket: Socket; peer: Peer }> {
  await socketAt(path, AbortSignal.timeout(5_000));
  const socket = connectNet(path);
  return { socket, peer: new Peer(socket) };
}

describe('accept', () => {
  it('waits for the other end to dial, without limit, and counts connectTimeout from then (row 52)', async () => {
    const path = join(folder.path, 'one');
    const client = new QmpClient(accept(`unix:${path}`), { connectTimeout: 30 });
    const greeted = client.connect();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(client.state.phase).toBe('connecting');
    const { socket } = await dial(path);
    await expect(greeted).rejects.toMatchObject({ phase: 'negotiating', cause: { name: 'GreetingError' } });
    expect(existsSync(path)).toBe(false);
    socket.destroy();
    await client.close();
  });

  it('listens anew for each attempt, and only until one has come (row 52)', async () => {
    const path = join(folder.path, 'two');
    const client = new QmpClient(accept(`unix:${path}`));
    for (const session of [1, 2]) {
      const greeted = client.connect();
      const { socket, peer } = await dial(path);
      await peer.handshake();
      await greeted;
      expect([client.state, existsSync(path)]).toMatchObject([{ session }, false]);
      await client.disconnect();
      socket.destroy();
    }
    await client.close();
  });

  it.each(['disconnect', 'close'] as const)('stops listening at %s, even in the same breath', async (end) => {
    const path = join(folder.path, end);
    const client = new QmpClient(accept(`unix:${path}`));
    const [first] = [client.connect()];
    await client[end]();
    await expect(first).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'StateError' } });
    if (end === 'close') return;
    const second = client.connect();
    await socketAt(path, AbortSignal.timeout(5_000));
    await client.disconnect();
    await expect(second).rejects.toMatchObject({ name: 'ConnectError' });
    expect(existsSync(path)).toBe(false);
  });

  it('says what is wrong with an address it cannot listen on', async () => {
    const path = join(folder.path, 'taken');
    writeFileSync(path, '');
    const client = new QmpClient(accept(`unix:${path}`));
    const error = (await client.connect().catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'connecting', cause: { code: 'EADDRINUSE' } });
    expect(error.message).toMatch(/remove the file/);
    await client.close();
  });

  it('refuses bad arguments at once', () => {
    expect(() => accept('/run/vm')).toThrow(/address must be/);
    expect(() => accept('unix:/run/vm', { tls: {} })).toThrow(/tls goes with a tcp: address/);
  });

  it('is not opened with a signal that has aborted', async () => {
    const path = join(folder.path, 'aborted');
    await expect(accept(`unix:${path}`)(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    expect(existsSync(path)).toBe(false);
  });

  it('closes one that dials and leaves again, and may be called again', async () => {
    const path = join(folder.path, 'leaves');
    const client = new QmpClient(accept(`unix:${path}`));
    const greeted = client.connect();
    const { socket } = await dial(path);
    await once(socket, 'connect');
    socket.destroy();
    await expect(greeted).rejects.toMatchObject({ phase: 'negotiating', cause: { name: 'GreetingError' } });
    await client.close();
  });
});
