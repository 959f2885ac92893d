import { QmpClient, webSocket } from 'rx-qmp';
import { createHub } from 'rx-qmp/node';
import { WebSocket } from 'ws';
import { describeQemu, startQemu } from '../support/qemu.js';
import { closeAll, closeLater, phase, until } from './hub-under-test.js';
import { OPERATOR, RawClient, VIEWER } from './raw-client.js';

afterEach(closeAll);

const tokens = [
  { role: 'operator', token: OPERATOR },
  { role: 'viewer', token: VIEWER },
] as const;

describeQemu('the hub on a real QEMU', () => {
  it('gives two browsers and a Node client their own replies and all events (H3)', async () => {
    const qemu = await startQemu();
    closeLater({ close: () => qemu.stop() });
    const hub = closeLater(
      await createHub({ port: 0, vms: { vm1: qemu.address }, tokens, allow: ['stop', 'cont', 'quit'] }),
    );
    await until(() => hub.vms[0]?.state === 'ready');
    const url = `${hub.url}/vms/vm1`;
    const node = closeLater(new QmpClient(webSocket(url, { token: OPERATOR, WebSocket })));
    await node.connect();
    // What a browser does: an Origin, and the token as a subprotocol.
    const browser = { origin: hub.url, protocols: ['qmp', `bearer.${VIEWER}`] };
    const [one, other] = [
      closeLater(await RawClient.negotiated(url, browser)),
      closeLater(await RawClient.negotiated(url, browser)),
    ];
    const stops = node.listener('STOP');
    await node.execute('stop');
    expect(await stops.get()).toMatchObject({ event: 'STOP' });
    const heard = await one.next();
    expect(heard).toMatchObject({ event: 'STOP' });
    expect(await other.next()).toEqual(heard);

    const [status, version, name] = await Promise.all([
      one.ask({ execute: 'query-status', id: 1 }),
      other.ask({ execute: 'query-version', id: 1 }),
      node.execute('query-name'),
    ]);
    expect(status).toMatchObject({ return: { status: 'paused' }, id: 1 });
    expect(version).toMatchObject({ return: { qemu: { major: expect.any(Number) as number } }, id: 1 });
    expect(name).toEqual({});
    const schema = await node.execute('query-qmp-schema');
    expect(schema.length).toBeGreaterThan(500);
    await expect(node.execute('system_reset')).rejects.toThrow('not allowed');

    await node.execute('quit');
    expect(await one.next()).toMatchObject({ event: 'SHUTDOWN' });
    expect(await one.closed).toMatchObject({ code: 1012 });
    expect(await other.closed).toMatchObject({ code: 1012 });
    expect(hub.vms).toMatchObject([{ state: 'gone', reason: 'vm1: QEMU has quit' }]);
  });

  it('finds QEMUs in a folder, loses them to SIGKILL, and clients see the gap', async () => {
    const first = await startQemu();
    const dir = first.path.replace(/\/[^/]+$/, '');
    const hub = closeLater(await createHub({ port: 0, dir, tokens }));
    closeLater({ close: () => first.stop() });
    await until(() => hub.vms[0]?.state === 'ready');
    expect(hub.vms[0]).toMatchObject({ name: 'qmp', qemu: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string });
    const client = closeLater(
      new QmpClient(webSocket(`${hub.url}/vms/qmp`, { token: VIEWER, WebSocket }), { reconnect: true }),
    );
    await client.connect();
    first.process.kill('SIGKILL');
    await phase(client, 'reconnecting');
    expect(hub.vms).toMatchObject([{ state: 'gone' }]);
  });
});
