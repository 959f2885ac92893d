import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createHub, type Hub } from 'rx-qmp/node';
import { temporaryFolder } from '../support/temporary-folder.js';
import { closeAll, closeLater, until } from '../hub/hub-under-test.js';
import { OPERATOR, RawClient } from '../hub/raw-client.js';

afterEach(closeAll);

const GREETING = '{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":22},"package":""},"capabilities":[]}}\r\n';

/** A monitor on a unix socket that says yes to everything. */
async function monitor(path: string): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.write(GREETING);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const [, id] of data.toString().matchAll(/"id":(\d+)/g)) {
        socket.write(`{"return":{},"id":${String(id)}}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return closeLater({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function start(): Promise<{ hub: Hub; path: string; log: string[]; states: () => string }> {
  const folder = temporaryFolder();
  closeLater({
    close: () => {
      folder.remove();
      return Promise.resolve();
    },
  });
  const path = join(folder.path, 'vms');
  mkdirSync(path);
  const log: string[] = [];
  const write = (line: string): void => {
    log.push(line);
  };
  await monitor(join(path, 'old.sock'));
  const hub = closeLater(
    await createHub({
      port: 0,
      dir: path,
      vms: { named: 'unix:/nowhere' },
      tokens: [{ role: 'operator', token: OPERATOR }],
      logger: { debug: write, warn: write },
    }),
  );
  const states = (): string => hub.vms.map(({ name, state }) => `${name} ${state}`).join();
  return { hub, path, log, states };
}

describe('a folder of sockets', () => {
  it('is a VM for each socket, named after it, from the start', async () => {
    const { hub, states } = await start();
    await until(() => states() === 'named connecting,old ready');
    expect(hub.vms).toHaveLength(2);
  });

  it('brings a VM when a socket appears; it is gone with its QEMU, and comes back', async () => {
    const { hub, path, states } = await start();
    const vm = await monitor(join(path, 'web-1.qmp'));
    await until(() => states() === 'named connecting,old ready,web-1 ready');
    const client = closeLater(await RawClient.negotiated(`${hub.url}/vms/web-1`, { token: OPERATOR }));
    await vm.close();
    expect(await client.closed).toMatchObject({ code: 1012 });
    await until(() => states() === 'named connecting,old ready,web-1 gone');
    expect(hub.vms[2]?.reason).toMatch(/connection is lost/);
    await monitor(join(path, 'web-1.qmp'));
    await until(() => states() === 'named connecting,old ready,web-1 ready');
  });

  it('keeps a session whose socket was only removed', async () => {
    const { hub, path, states } = await start();
    await until(() => states() === 'named connecting,old ready');
    const client = closeLater(await RawClient.negotiated(`${hub.url}/vms/old`, { token: OPERATOR }));
    rmSync(join(path, 'old.sock'));
    await monitor(join(path, 'new.sock'));
    await until(() => states() === 'named connecting,old ready,new ready');
    expect(await client.ask({ execute: 'query-status', id: 1 })).toEqual({ return: {}, id: 1 });
  });

  it('leaves out files, unfit names and names that are taken, and says so', async () => {
    const { hub, path, log, states } = await start();
    writeFileSync(join(path, 'file.sock'), '');
    await monitor(join(path, 'named.sock'));
    await monitor(join(path, 'a b.sock'));
    await monitor(join(path, 'old.qmp'));
    await monitor(join(path, 'last.sock'));
    await until(() => states().includes('last ready'));
    expect(hub.vms.map(({ name }) => name)).toEqual(['named', 'old', 'last']);
    expect(log.filter((line) => line.includes('left out')).join('\n')).toMatch(/a b\.sock[^]*named\.sock/);
  });

  it('may itself go: then its VMs that end are gone', async () => {
    const { path, log, states } = await start();
    await until(() => states() === 'named connecting,old ready');
    renameSync(path, `${path}-away`);
    await until(() => log.some((line) => line.includes('ENOENT')));
    expect(states()).toBe('named connecting,old ready');
  });

  it('must be there at the start', async () => {
    await expect(createHub({ port: 0, dir: '/nowhere' })).rejects.toThrow('ENOENT');
  });
});
