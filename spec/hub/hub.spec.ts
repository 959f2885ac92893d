import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient, webSocket, type VmInfo } from 'rx-qmp';
import { createHub } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { WebSocket } from 'ws';
import { temporaryFolder } from '../support/temporary-folder.js';
import { closeAll, closeLater, passedOn, phase, startHub } from './hub-under-test.js';
import { get, OPERATOR, RawClient, refusal, VIEWER } from './raw-client.js';

afterEach(closeAll);

const authorized = { Authorization: `Bearer ${VIEWER}` };

describe('the hub', () => {
  it('is a QMP server for each VM: any client fits, commands need no line end', async () => {
    const { url, fake } = await startHub();
    const client = closeLater(await RawClient.open(url, { token: VIEWER, protocols: ['binary'] }));
    expect(client.socket.protocol).toBe('binary');
    expect(await client.next()).toEqual({
      QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: 'FakeQemu' }, capabilities: ['oob'] },
    });
    fake.emit('STOP');
    // Nothing but the greeting comes before the negotiation.
    expect(await client.ask('{"execute":"qmp_capabilities"}')).toEqual({ return: {} });
    client.send('{"execute":"query-status",\n "id"');
    client.socket.send(Buffer.from(':1}{"execute":"query-name","id":"}{'), { binary: true });
    client.send('"}\r\n');
    expect(await client.next()).toMatchObject({ return: { status: 'paused' }, id: 1 });
    expect(await client.next()).toMatchObject({ return: {}, id: '}{' });
  });

  it('serves a QmpClient by webSocket()', async () => {
    const { url, fake } = await startHub({ allow: ['stop'] });
    const client = closeLater(new QmpClient(webSocket(url, { token: OPERATOR, WebSocket }), { name: 'vm1' }));
    await client.connect();
    const stops = client.listener('STOP');
    await client.execute('stop');
    expect(await stops.get()).toMatchObject({ event: 'STOP' });
    await expect(client.execute('cont')).rejects.toMatchObject({
      name: 'ExecuteError',
      desc: 'cont is not allowed on this hub; --allow cont allows it to operators',
    });
    expect(passedOn(fake)).toEqual(['stop']);
  });

  it('answers quit, then closes with 1012; a client with reconnect sees an ordinary gap', async () => {
    const { url, fake, hub, client: rawClient, logged } = await startHub({ allow: ['quit'] });
    const client = closeLater(
      new QmpClient(webSocket(url, { token: VIEWER, WebSocket }), { reconnect: { delay: () => 5 } }),
    );
    await client.connect();
    const gap = new Promise((resolve) => client.gaps$.subscribe(resolve));
    const quitter = await rawClient();
    quitter.send({ execute: 'quit', id: 1 });
    expect(await quitter.next()).toMatchObject({ event: 'SHUTDOWN' });
    expect(await quitter.next()).toEqual({ return: {}, id: 1 });
    expect(await quitter.closed).toMatchObject({
      code: 1012,
      reason: expect.stringContaining('QEMU has quit') as string,
    });

    await phase(client, 'reconnecting');
    expect(hub.vms).toMatchObject([{ name: 'vm1', state: 'gone', reason: 'vm1: QEMU has quit' }]);
    expect(await refusal(url, { token: VIEWER })).toBe(503);
    fake.restart();
    await logged(/^vm1: gone/);
    await phase(client, 'ready');
    expect(await gap).toMatchObject({ session: 2 });
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
  });

  it('closes with 1012 when QEMU dies, and interrupts what was not answered', async () => {
    const { url, fake } = await startHub();
    const client = closeLater(new QmpClient(webSocket(url, { token: VIEWER, WebSocket })));
    await client.connect();
    fake.on('query-block', () => new Promise(() => undefined));
    const pending = client.execute('query-block');
    // What is refused is answered at once: what came before it has been taken by then.
    await client.execute('stop').catch(() => undefined);
    fake.kill();
    await expect(pending).rejects.toMatchObject({
      name: 'ExecInterruptedError',
      cause: { name: 'DisconnectedError', cause: { name: 'WebSocketError', code: 1012, reason: 'restart' } },
    });
    expect(client.state).toMatchObject({ phase: 'closed' });
  });

  it('says 503 before the VM is up, 404 where there is none', async () => {
    const fake = new FakeQemu();
    fake.silence();
    const hub = closeLater(
      await createHub({ port: 0, vms: { slow: fake.connector }, tokens: [{ role: 'viewer', token: VIEWER }] }),
    );
    expect(hub.vms).toMatchObject([{ name: 'slow', state: 'connecting' }]);
    expect(await refusal(`${hub.url}/vms/slow`, { token: VIEWER })).toBe(503);
    expect(await refusal(`${hub.url}/vms/none`, { token: VIEWER })).toBe(404);
    expect(await refusal(`${hub.url}/vms/none`)).toBe(401);
    expect(await refusal(`${hub.url}/`, { token: VIEWER })).toBe(404);
  });

  it('lists the VMs as JSON at /vms, with why one cannot be reached', async () => {
    const { hub, logged } = await startHub();
    hub.add('away', 'unix:/nowhere/at/all');
    await logged(/^away: connecting: .*no such socket/);
    const { status, headers, body } = await get(`${hub.url}/vms`, authorized);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'application/json; charset=utf-8',
      'no-store',
    ]);
    expect(JSON.parse(body)).toEqual([
      {
        name: 'vm1',
        state: 'ready',
        status: 'running',
        events: 0,
        qemu: '7.2.22',
        since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
      {
        name: 'away',
        state: 'connecting',
        events: 0,
        since: expect.any(String) as string,
        reason: expect.stringContaining('no such socket') as string,
      },
    ]);
  });

  it('tells everything of all VMs at /events', async () => {
    const { hub, fake, logged } = await startHub({ allow: ['stop'] });
    const watcher = closeLater(await RawClient.open(`${hub.url}/events`, { token: OPERATOR }));
    expect(await watcher.next()).toMatchObject({
      hub: { protocol: 1, role: 'operator', name: 'operator-1', allow: ['stop'], screen: false },
      n: 0,
      vms: [{ name: 'vm1', state: 'ready' }],
    });
    fake.emit('RESET', { guest: false, reason: 'host-qmp-system-reset' });
    expect(await watcher.next()).toEqual({
      vm: 'vm1',
      n: 1,
      k: 1,
      event: {
        event: 'RESET',
        data: { guest: false, reason: 'host-qmp-system-reset' },
        timestamp: { seconds: 1_700_000_000, microseconds: expect.any(Number) as number },
      },
    });
    const second = new FakeQemu();
    hub.add('vm2', second.connector);
    expect(await watcher.next()).toMatchObject({ added: [{ name: 'vm2' }] });
    fake.kill();
    let vm1: unknown;
    while (vm1 === undefined) {
      const { changed } = await watcher.next();
      vm1 = (changed as readonly VmInfo[]).find(({ name, state }) => name === 'vm1' && state === 'gone');
    }
    expect(vm1).toMatchObject({ reason: expect.any(String) as string });
    await logged(/^vm1: gone/);
    await hub.remove('vm1');
    expect(await watcher.next()).toEqual({ removed: ['vm1'] });
    expect(hub.vms).toHaveLength(1);
  });

  it('tells a viewer that nothing is allowed besides', async () => {
    const { hub } = await startHub({ allow: ['stop'] });
    const watcher = closeLater(await RawClient.open(`${hub.url}/events`, { token: VIEWER }));
    expect(await watcher.next()).toMatchObject({ hub: { role: 'viewer', allow: [] } });
  });

  it('tells the clients of a VM that is removed', async () => {
    const { hub, client, url } = await startHub();
    const one = await client();
    await hub.remove('vm1');
    expect(await one.closed).toMatchObject({ code: 1012 });
    expect(await refusal(url, { token: VIEWER })).toBe(404);
    await hub.remove('vm1');
  });

  it('counts at /metrics', async () => {
    const { hub, fake, client } = await startHub();
    const one = await client();
    await one.ask({ execute: 'query-status' });
    fake.emit('STOP');
    await one.next();
    await get(`${hub.url}/vms`);
    const { headers, body } = await get(`${hub.url}/metrics`, authorized);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const line of [
      '# TYPE rxqmp_vm_up gauge',
      'rxqmp_vm_up{vm="vm1"} 1',
      'rxqmp_vm_clients{vm="vm1"} 1',
      'rxqmp_vm_events_total{vm="vm1"} 1',
      'rxqmp_vm_commands_total{vm="vm1"} 1',
      'rxqmp_vm_reconnects_total{vm="vm1"} 0',
      'rxqmp_hub_watchers 0',
      'rxqmp_hub_refused_total{cause="token"} 1',
    ]) {
      expect(body.split('\n')).toContain(line);
    }
    expect(body).toMatch(/^(# (HELP|TYPE) .+\n|\w+(\{\w+="[\w-]+"\})? \d+(\.\d+)?(e-\d+)?\n)+$/);
  });

  it('logs neither tokens nor arguments (C9)', async () => {
    const { client, log, fake } = await startHub({ allow: ['set_password'] });
    fake.on('set_password', new Error('no'));
    const one = await client();
    await one.ask({ execute: 'set_password', arguments: { protocol: 'vnc', password: 'secret' }, id: 1 });
    await one.ask({ execute: 'quit', arguments: { password: 'secret' }, id: 2 });
    expect(log.join('\n')).toMatch(/127\.0\.0\.1 GET \/vms\/vm1: operator-1/);
    expect(log.join('\n')).not.toMatch(/secret|operator-0/);
  });

  it('closes its clients with 1001, and again does nothing', async () => {
    const { hub, client } = await startHub();
    const [one, watcher] = [await client(), closeLater(await RawClient.open(`${hub.url}/events`, { token: OPERATOR }))];
    const idle = fetch(`${hub.url}/healthz`).then((response) => response.text());
    expect(await idle).toBe('ok\n');
    await Promise.all([hub.close(), hub.close()]);
    expect(await one.closed).toEqual({ code: 1001, reason: 'the hub closes' });
    expect(await watcher.closed).toEqual({ code: 1001, reason: 'the hub closes' });
    await expect(get(`${hub.url}/healthz`)).rejects.toThrow('ECONNREFUSED');
    expect(() => {
      hub.add('late', new FakeQemu().connector);
    }).toThrow('closed');
  });

  it('rejects where the port is taken, and leaves nothing behind', async () => {
    const { hub } = await startHub();
    await expect(createHub({ port: hub.port })).rejects.toThrow('EADDRINUSE');
  });

  it('refuses a name twice', async () => {
    const { hub } = await startHub();
    expect(() => {
      hub.add('vm1', new FakeQemu().connector);
    }).toThrow('there is a VM vm1 already');
  });

  it('speaks TLS', async () => {
    const folder = temporaryFolder();
    const [cert, key] = [join(folder.path, 'cert'), join(folder.path, 'key')];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    spawnSync('openssl', [
      ...args,
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-out',
      cert,
      '-keyout',
      key,
    ]);
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    folder.remove();
    const { url, hub } = await startHub({ host: '0.0.0.0', tls });
    expect(hub.url).toMatch(/^https:/);
    class Trusting extends WebSocket {
      constructor(target: string, protocols: string[]) {
        super(target, protocols, { ca: tls.cert });
      }
    }
    const target = url.replace('0.0.0.0', '127.0.0.1');
    const client = closeLater(new QmpClient(webSocket(target, { token: VIEWER, WebSocket: Trusting })));
    await client.connect();
    expect(await client.execute('query-status')).toMatchObject({ running: true });
    await expect(RawClient.open(target, { token: VIEWER })).rejects.toThrow('self-signed');
  });
});
