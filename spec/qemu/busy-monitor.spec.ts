import { connect as dial, type Socket } from 'node:net';
import { QmpClient, type ConnectionState } from 'rx-qmp';
import { connect, unixSocket } from 'rx-qmp/node';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';

/** A QEMU whose monitor somebody holds, and a client that has tried at least `attempts` times to get it. */
async function busy(attempts: number): Promise<{
  qemu: Qemu;
  holder: QmpClient;
  client: QmpClient;
  connected: Promise<unknown>;
  states: ConnectionState[];
}> {
  const qemu = await startQemu();
  const holder = await connect(qemu.address);
  const client = new QmpClient(unixSocket(qemu.path), { connectTimeout: 20, reconnect: { delay: () => 5 } });
  const states: ConnectionState[] = [];
  const connected = client.connect();
  await new Promise<void>((resolve) => {
    client.state$.subscribe((state) => {
      states.push(state);
      if (state.phase === 'reconnecting' && state.attempt > attempts) resolve();
    });
  });
  return { qemu, holder, client, connected, states };
}

/** How one more is received by the monitor's listen queue. */
function queued(path: string): Promise<{ socket: Socket; code: string }> {
  const socket = dial(path);
  return new Promise((resolve) => {
    socket.once('connect', () => {
      resolve({ socket, code: 'connected' });
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ socket, code: error.code ?? '' });
    });
  });
}

describeQemu('reconnect to a monitor that another client holds', () => {
  it('tells of it in state$, as a reason of its own (fact 2)', async () => {
    const { qemu, holder, client, connected, states } = await busy(3);
    const causes = states.flatMap((state) => (state.phase === 'reconnecting' ? [state.cause] : []));
    expect(causes.length).toBeGreaterThanOrEqual(3);
    for (const cause of causes) {
      expect(cause).toMatchObject({ name: 'ConnectError', phase: 'negotiating', cause: { name: 'GreetingError' } });
      expect(cause.message).toMatch(/not greeted within 20 ms.*one client at a time, so another one may hold it/);
    }
    await client.close();
    await expect(connected).rejects.toMatchObject({ name: 'ConnectError' });
    await holder.close();
    await qemu.stop();
  });

  it('takes one of the two places in the listen queue, however often it tries (fact 2)', async () => {
    const { qemu, holder, client, connected } = await busy(6);
    const second = await queued(qemu.path);
    const third = await queued(qemu.path);
    expect([second.code, third.code]).toEqual(['connected', 'EAGAIN']);
    for (const { socket } of [second, third]) socket.destroy();
    await holder.close();
    await connected;
    expect(await client.execute('query-status')).toHaveProperty('status');
    await client.close();
    await qemu.stop();
  });

  it('is greeted when the other leaves, without dialling anew', async () => {
    const { qemu, holder, client, connected, states } = await busy(3);
    const before = states.length;
    await holder.close();
    await connected;
    expect(states.slice(before).map(({ phase }) => phase)).not.toContain('connecting');
    expect(client.state).toMatchObject({ phase: 'ready', session: 1 });
    await client.close();
    await qemu.stop();
  });

  it('tries again where it finds the queue full, and gets in when there is room (fact 2)', async () => {
    const qemu = await startQemu();
    const holder = await connect(qemu.address);
    const others = [await queued(qemu.path), await queued(qemu.path)];
    const client = new QmpClient(unixSocket(qemu.path), { reconnect: { delay: () => 5 } });
    const connected = client.connect();
    const { cause } = await new Promise<ConnectionState & { phase: 'reconnecting' }>((resolve) => {
      client.state$.subscribe((state) => {
        if (state.phase === 'reconnecting') resolve(state);
      });
    });
    expect(cause).toMatchObject({ name: 'ConnectError', phase: 'connecting', cause: { code: 'EAGAIN' } });
    expect(cause.message).toContain('the monitor is busy');
    for (const { socket } of others) socket.destroy();
    await holder.close();
    await connected;
    expect(client.state).toMatchObject({ phase: 'ready', session: 1 });
    await client.close();
    await qemu.stop();
  });
});
