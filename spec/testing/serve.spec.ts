import { connect as connectSocket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { firstValueFrom, Observable } from 'rxjs';
import type { Connection } from 'rx-qmp';
import { connect, serve, type Served } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('serve', () => {
  const folder = temporaryFolder();
  let served: Served;
  let fake: FakeQemu;

  beforeEach(async () => {
    fake = new FakeQemu();
    served = await serve(fake.connector, `unix:${join(folder.path, 'qmp')}`);
  });
  afterEach(() => served.close());
  afterAll(() => {
    folder.remove();
  });

  it('lets other programs talk to a FakeQemu over a unix socket', async () => {
    const client = await connect(served.address);
    const stops = client.listener('STOP');
    await client.execute('stop');

    expect(stops.size).toBe(1);
    expect(fake.received).toMatchObject([{ execute: 'qmp_capabilities' }, { execute: 'stop' }]);
    await client.close();
  });

  it('listens on any free port of the loopback', async () => {
    const other = await serve(fake.connector, 0);
    const client = await connect(other.address);

    expect(other.address).toMatch(/^tcp:127\.0\.0\.1:\d+$/);
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
    await client.close();
    await other.close();
  });

  it('serves the next when the one before has left, as a monitor does', async () => {
    const first = await connect(served.address);
    const second = connect(served.address);
    await first.execute('query-status');
    expect(fake.received).toHaveLength(2);
    await first.close();

    await (await second).close();
  });

  it('tells of death and of refusal by closing', async () => {
    const client = await connect(served.address);
    const lost = firstValueFrom(client.observe(), { defaultValue: null });
    fake.kill();
    await expect(lost).rejects.toMatchObject({ name: 'DisconnectedError' });
    await client.close();

    await expect(connect(served.address)).rejects.toMatchObject({ phase: 'negotiating' });
  });

  it('lets go of a FakeQemu whose client half-closes', async () => {
    const socket = connectSocket(join(folder.path, 'qmp'));
    await once(socket, 'data');
    socket.end();
    await once(socket, 'close');

    await (await connect(served.address)).close();
  });

  it('hands on what a connector said in memory that it uses again (C1)', async () => {
    const memory = Buffer.alloc(64 * 1024);
    const chunks = 200;
    const connection: Connection = {
      incoming$: new Observable((subscriber) => {
        for (let chunk = 0; chunk < chunks; chunk += 1) subscriber.next(memory.fill(chunk));
        subscriber.complete();
      }),
      send: () => undefined,
      close: () => undefined,
    };
    const path = join(folder.path, 'reused');
    const other = await serve(() => Promise.resolve(connection), `unix:${path}`);
    const received = await buffer(connectSocket(path));
    const sent = Buffer.concat(Array.from({ length: chunks }, (_, chunk) => Buffer.alloc(memory.length, chunk)));
    // A diff of so many bytes would take all memory.
    expect(received.equals(sent)).toBe(true);
    await other.close();
  });

  it('breaks what is connected when it is closed, and can be closed twice', async () => {
    const client = await connect(served.address);
    const lost = firstValueFrom(client.observe(), { defaultValue: null });
    await served.close();
    await served.close();

    await expect(lost).rejects.toMatchObject({ name: 'DisconnectedError' });
    await client.close();
  });

  it('says why it cannot listen', async () => {
    await expect(serve(fake.connector, served.address)).rejects.toThrow(/the address is in use/);
    await expect(serve(fake.connector, 'nonsense')).rejects.toThrow(TypeError);
  });
});
