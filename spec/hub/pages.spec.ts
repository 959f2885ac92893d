import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { closeAll, startHub, until } from './hub-under-test.js';
import { get, OPERATOR, raw, refusal } from './raw-client.js';

afterEach(closeAll);

const token = { Authorization: `Bearer ${OPERATOR}` };
const DASHBOARD = 'https://dashboard.example';

describe('pages (H12)', () => {
  it.each([true, false])('of another port of this machine are refused; noToken: %s (H12)', async (noToken) => {
    const { hub, url } = await startHub({ noToken });
    for (const origin of ['http://localhost:4200', `https://localhost:${hub.port}`, 'http://127.0.0.1']) {
      expect(await refusal(url, { headers: { Origin: origin, ...token } })).toBe(403);
      expect((await get(`${hub.url}/vms`, { Origin: origin, ...token })).status).toBe(403);
    }
    expect((await get(`${hub.url}/vms`, { Origin: hub.url, ...token })).status).toBe(200);
  });

  it('of other sites are refused where the browser says so, without an Origin, too (H12)', async () => {
    const { hub, url } = await startHub({ noToken: true, origins: [DASHBOARD] });
    const crossSite = { 'Sec-Fetch-Site': 'cross-site' };
    expect((await get(`${hub.url}/vms`, crossSite)).status).toBe(403);
    expect((await get(`${hub.url}/vms`, { ...crossSite, 'Sec-Fetch-Mode': 'navigate' })).status).toBe(403);
    expect(await refusal(url, { headers: crossSite })).toBe(403);
    expect((await get(`${hub.url}/vms`, { ...crossSite, Origin: DASHBOARD })).status).toBe(200);
    expect((await get(`${hub.url}/vms`, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
  });

  it('of an allowed Origin may read the answers, and ask first without a token (H12)', async () => {
    const { hub } = await startHub({ origins: [DASHBOARD] });
    const preflight = await get(`${hub.url}/vms`, { Origin: DASHBOARD }, 'OPTIONS');
    const allowed = {
      'access-control-allow-origin': DASHBOARD,
      'access-control-allow-headers': 'Authorization',
      vary: 'Origin',
    };
    expect(preflight).toMatchObject({ status: 204, headers: allowed, body: '' });
    expect(await get(`${hub.url}/vms`, { Origin: DASHBOARD, ...token })).toMatchObject({
      status: 200,
      headers: allowed,
    });
    const other = await get(`${hub.url}/vms`, { Origin: 'https://evil.example' }, 'OPTIONS');
    expect(other.status).toBe(403);
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
    const without = await get(`${hub.url}/vms`, token);
    expect(without.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('two Host headers are 400 (H12)', async () => {
    const { hub } = await startHub();
    const head = `GET /vms HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nAuthorization: Bearer ${OPERATOR}\r\n`;
    expect(await raw(hub.port, `${head}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    expect(await raw(hub.port, `${head}${upgrade}${key}`)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('places (H10)', () => {
  it('one address has 50 connections without a token, and its own people still come in (H10)', async () => {
    const { hub, client } = await startHub();
    const people = [];
    for (let count = 0; count < 60; count += 1) people.push(await client());
    const sockets: Socket[] = [];
    let refused = 0;
    while (sockets.length < 200) {
      const socket = connect(hub.port, '127.0.0.1');
      socket.on('error', () => undefined).on('close', () => (refused += 1));
      sockets.push(socket);
      await once(socket, 'connect');
    }
    await until(() => refused === 150);
    for (const socket of sockets) socket.destroy();
    await until(() => refused === 200);
    await client();
  });

  it('one that says nothing is closed after 5 s (H10)', async () => {
    const { hub } = await startHub();
    const socket = connect(hub.port, '127.0.0.1');
    const begun = performance.now();
    socket.resume();
    await once(socket, 'close');
    expect(performance.now() - begun).toBeLessThan(9_000);
  });
});
