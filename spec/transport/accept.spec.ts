import { connect as connectNet, type Socket } from 'node:net';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filter, firstValueFrom, NEVER, Subject } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { accept, accept$ } from 'rx-qmp/node';
import { socketAt } from '../support/qemu.js';
import { greeting, Peer } from '../support/scripted-server.js';
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
    const { socket, peer } = await dial(path);
    void peer.send(greeting());
    await expect(greeted).rejects.toMatchObject({ phase: 'negotiating', cause: { name: 'NegotiationError' } });
    expect(existsSync(path)).toBe(false);
    socket.destroy();
    await client.close();
  });

  it('takes the first that greets, whoever is silent, rude or gone, and closes the others (C16)', async () => {
    const path = join(folder.path, 'many');
    const client = new QmpClient(accept(`unix:${path}`));
    const greeted = client.connect();
    const silent = await dial(path);
    const rude = await dial(path);
    void rude.peer.send('QEMU 7.2 monitor - type help for more information\r\n');
    await rude.peer.gone();
    (await dial(path)).socket.destroy();
    const { socket, peer } = await dial(path);
    const [first = '', ...rest] = greeting('oob').split('QMP');
    await peer.send(first);
    await peer.send(`QMP${rest.join('QMP')}`);
    await peer.reply();
    expect(await greeted).toMatchObject({ QMP: { capabilities: ['oob'] } });
    await silent.peer.gone();
    await client.close();
    socket.destroy();
  });

  it('closes who says nothing for peerTimeout, and waits on (C16)', async () => {
    const path = join(folder.path, 'silent');
    const client = new QmpClient(accept(`unix:${path}`, { peerTimeout: 20 }));
    const greeted = client.connect();
    await (await dial(path)).peer.gone();
    expect(client.state.phase).toBe('connecting');
    const { socket, peer } = await dial(path);
    await peer.handshake();
    await greeted;
    await client.close();
    socket.destroy();
  });

  it('reads 16 at a time; one more takes the place of the one that has waited longest (C16)', async () => {
    const path = join(folder.path, 'full');
    const client = new QmpClient(accept(`unix:${path}`, { peerTimeout: Infinity }));
    const greeted = client.connect();
    const silent = [];
    for (let count = 0; count < 16; count += 1) silent.push(await dial(path));
    const { socket, peer } = await dial(path);
    await silent[0]?.peer.gone();
    expect(silent.slice(1).filter((one) => one.socket.destroyed)).toEqual([]);
    await peer.handshake();
    await greeted;
    await client.close();
    for (const one of silent) await one.peer.gone();
    socket.destroy();
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
});

describe('accept$', () => {
  it('gives a ready client for each QEMU that dials in, named by its peer, until it is unsubscribed (C16)', async () => {
    const path = join(folder.path, 'fleet');
    const clients: QmpClient[] = [];
    const arrived = new Subject<void>();
    const listening = accept$(`unix:${path}`).subscribe((client) => {
      clients.push(client);
      arrived.next();
    });
    const silent = await dial(path);
    const peers = [];
    for (let count = 0; count < 2; count += 1) {
      const next = firstValueFrom(arrived);
      const { peer } = await dial(path);
      await peer.handshake();
      await next;
      peers.push(peer);
    }
    listening.unsubscribe();
    await silent.peer.gone();
    expect(existsSync(path)).toBe(false);
    expect(clients.map(({ name, state }) => [name, state.phase])).toEqual([
      [`unix:${path}#2`, 'ready'],
      [`unix:${path}#3`, 'ready'],
    ]);
    const status = clients[1]?.execute('query-status');
    await peers[1]?.reply({ status: 'running' });
    expect(await status).toEqual({ status: 'running' });
    const [client] = clients;
    peers[0]?.reset();
    await firstValueFrom(client?.state$.pipe(filter(({ phase }) => phase === 'closed')) ?? NEVER);
    await expect(client?.connect()).rejects.toThrow(/accept\$ emits a new client/);
    for (const one of clients) await one.close();
    peers[1]?.reset();
  });

  it('closes who greets and is not ready yet when it is unsubscribed (C16)', async () => {
    const path = join(folder.path, 'halfway');
    const listening = accept$(`unix:${path}`).subscribe();
    const { peer } = await dial(path);
    void peer.send(greeting());
    await peer.command();
    listening.unsubscribe();
    await peer.gone();
  });

  it('says what is wrong with its arguments at once, and with an address it cannot listen on as an error', async () => {
    expect(() => accept$('/run/vm')).toThrow(/address must be/);
    expect(() => accept$('unix:/run/vm', { peerTimeout: -1 })).toThrow(/peerTimeout must be/);
    await expect(firstValueFrom(accept$('unix:/nowhere/at/all'))).rejects.toThrow(/^unix:\/nowhere\/at\/all: /);
  });
});
