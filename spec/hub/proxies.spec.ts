import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { EMPTY, of } from 'rxjs';
import type { HubOptions } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { freePort } from '../support/nats.js';
import { CADDY, describeWith, NGINX } from '../support/programs.js';
import { closeAll, closeLater, newFolder, startHub, until, type HubUnderTest } from './hub-under-test.js';
import { OPERATOR, RawClient, refusal, VIEWER, type RawOptions } from './raw-client.js';

afterEach(closeAll);

const GUIDE = readFileSync(join(__dirname, '../../docs/hub.md'), 'utf8');
/** The address of the one who asks: another one than the proxy's. */
const FROM = '127.0.0.5';
const [CERT, KEY] = ['cert', 'key'].map((name) => join(__dirname, `../fixtures/tls/${name}.pem`)) as [string, string];

/** The block of the guide that begins so. */
function blockThat(begins: string): string {
  const blocks = [...GUIDE.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const block = blocks.find((text) => text.startsWith(begins));
  if (block === undefined) throw new Error(`the guide has no such block: ${begins}`);
  return block;
}

/** The text with each of these replaced, which must be there. */
function replaced(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the guide does not have ${from} any more`);
    return changed.replace(from, to);
  }, text);
}

/** The name leads to this machine. */
const lookup: LookupFunction = (_name, { all }, found) => {
  if (all) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
};
const here: RawOptions & { lookup: LookupFunction } = { lookup, rejectUnauthorized: false };

interface Proxied extends HubUnderTest {
  /** Of the proxy. */
  readonly front: string;
}

async function run(folder: string, port: number, program: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child: ChildProcess = spawn(program, args, { env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const gone = once(child, 'exit');
  closeLater({
    close: async () => {
      child.kill();
      await gone;
    },
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} has ended: ${said}`);
    const socket = connect({ port, host: '127.0.0.1' });
    const opened = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (opened) return;
    await new Promise(setImmediate);
  }
}

async function startBehind(
  proxy: (folder: string, hub: number, front: number) => Promise<void>,
  options: HubOptions = {},
): Promise<Proxied> {
  const distant = new FakeQemu();
  const source = {
    vms$: of([{ name: 'h1/vm7', state: 'ready', since: '2026-01-01T00:00:00.000Z' } as const]),
    events$: EMPTY,
    connector: () => distant.connector,
  };
  const hub = await startHub({ behindProxy: true, hostNames: ['hub.example'], source, allow: ['stop'], ...options });
  const port = await freePort();
  await proxy(newFolder(), hub.hub.port, port);
  return { ...hub, front: `https://hub.example:${port}` };
}

async function nginx(folder: string, hub: number, front: number, more = ''): Promise<void> {
  const server = replaced(blockThat('server {'), {
    'listen 443 ssl': `listen 127.0.0.1:${front} ssl`,
    '/etc/ssl/hub.example.pem': CERT,
    '/etc/ssl/hub.example.key': KEY,
    '127.0.0.1:8765': `127.0.0.1:${hub}`,
  });
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${folder}/${one};`);
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; pid ${folder}/pid; error_log stderr; events {}
     http { access_log off; ${paths.join(' ')} ${more} ${server} }`,
  );
  await run(folder, front, 'nginx', ['-c', file, '-p', folder]);
}

async function caddy(folder: string, hub: number, front: number): Promise<void> {
  const site = replaced(blockThat('hub.example {'), {
    'hub.example {': `https://hub.example:${front} {\n  tls ${CERT} ${KEY}`,
    '127.0.0.1:8765': `127.0.0.1:${hub}`,
  });
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, `{\n  admin off\n  auto_https disable_redirects\n}\n${site}`);
  await run(folder, front, 'caddy', ['run', '--config', file, '--adapter', 'caddyfile']);
}

async function get(url: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  const sent = request(url, { headers, lookup, rejectUnauthorized: false, agent: false, localAddress: FROM });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk as string;
  return { status: response.statusCode ?? 0, body };
}

const PROXIES = [
  [NGINX, nginx],
  [CADDY, caddy],
] as const;

for (const [needed, proxy] of PROXIES) {
  describeWith([needed], `a hub behind ${needed.program}, as the guide has it (H16)`, () => {
    it('asks for the token, and knows who is in front of the proxy (H1, H16)', async () => {
      const { front, log } = await startBehind(proxy);
      expect(await refusal(`${front}/vms/vm1`, here)).toBe(401);
      expect(await refusal(`${front}/vms/vm1`, { ...here, token: 'wrong-0123456789abcdef' })).toBe(401);
      expect((await get(`${front}/vms`, {})).status).toBe(401);
      const list = await get(`${front}/vms`, { Authorization: `Bearer ${VIEWER}` });
      expect(JSON.parse(list.body)).toMatchObject([{ name: 'vm1' }, { name: 'h1/vm7' }]);
      expect(log).toContain(`${FROM} GET /vms: 401: a token is needed`);
      const liar = { Authorization: `Bearer ${VIEWER}`, 'X-Forwarded-For': '8.8.8.8' };
      expect((await get(`${front}/vms`, liar)).status).toBe(200);
      expect(log).toContain(`${FROM} GET /vms: 200`);
    });

    it('runs commands and tells events over a WebSocket, by header and by subprotocol (H16)', async () => {
      const { front, fake } = await startBehind(proxy);
      const client = closeLater(await RawClient.negotiated(`${front}/vms/vm1`, { ...here, token: OPERATOR }));
      client.send({ execute: 'stop', id: 1 });
      expect(await client.next()).toMatchObject({ event: 'STOP' });
      expect(await client.next()).toEqual({ return: {}, id: 1 });
      const page = { ...here, protocols: ['qmp', `bearer.${VIEWER}`], origin: 'https://hub.example' };
      const watcher = closeLater(await RawClient.open(`${front}/events`, page));
      expect(watcher.socket.protocol).toBe('qmp');
      await watcher.next();
      fake.emit('RESUME');
      expect(await watcher.next()).toMatchObject({ vm: 'vm1', event: { event: 'RESUME' } });
    });

    it('reaches a VM whose name has a slash (H14, H16)', async () => {
      const { front } = await startBehind(proxy);
      const url = `${front}/vms/h1%2Fvm7`;
      const client = closeLater(await RawClient.negotiated(url, { ...here, token: VIEWER }));
      expect(await client.ask({ execute: 'query-status', id: 1 })).toMatchObject({ return: { status: 'running' } });
      expect((await get(`${url}/events`, { Authorization: `Bearer ${VIEWER}` })).body).toContain('"name":"h1/vm7"');
    });
  });
}

describeWith([NGINX], 'a quiet connection behind nginx (H16)', () => {
  const impatient = (folder: string, hub: number, front: number): Promise<void> =>
    nginx(folder, hub, front, 'proxy_read_timeout 3s;');

  it('lives by the pings of the hub, longer than the proxy would wait (H16)', async () => {
    const { front } = await startBehind(impatient, { limits: { pingInterval: 1_000 } });
    const client = closeLater(await RawClient.negotiated(`${front}/vms/vm1`, { ...here, token: VIEWER }));
    let [pings, closed] = [0, false];
    client.socket.on('ping', () => (pings += 1));
    void client.closed.then(() => (closed = true));
    await until(() => pings === 5 || closed);
    expect({ closed, pings }).toEqual({ closed: false, pings: 5 });
  });

  it('is cut off where pings come too seldom (H16)', async () => {
    const { front } = await startBehind(impatient);
    const client = closeLater(await RawClient.negotiated(`${front}/vms/vm1`, { ...here, token: VIEWER }));
    expect((await client.closed).code).toBe(1006);
  });
});
