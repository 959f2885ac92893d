import { closeAll, closeLater, startHub } from '../hub-under-test.js';
import { get, OPERATOR, raw, RawClient, refusal, VIEWER } from '../raw-client.js';
import { createHub, type HubOptions } from 'rx-qmp/node';

afterEach(closeAll);

describe('admission to the hub (H1)', () => {
  describe('Host', () => {
    it.each([
      'evil.example',
      '127.0.0.1.evil.example',
      'localhost.evil.example:8765',
      '0.0.0.0',
      '127.1',
      'localhost.',
    ])('refuses %j, right token or not: a name that was rebound to loopback (H1)', async (host) => {
      const { hub, url } = await startHub();
      const headers = { Host: host, Authorization: `Bearer ${OPERATOR}` };
      expect((await get(`${hub.url}/vms`, headers)).status).toBe(403);
      expect(await refusal(url, { headers })).toBe(403);
    });

    it.each([
      ['none', 'GET /vms HTTP/1.0\r\n'],
      ['two', 'GET /vms HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n'],
      ['none, but one in the address', 'GET http://localhost/vms HTTP/1.0\r\n'],
    ])('refuses %s (H1)', async (_what, head) => {
      const { hub } = await startHub();
      const answer = await raw(hub.port, `${head}Authorization: Bearer ${OPERATOR}\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
      expect(answer).not.toContain('vm1');
    });

    it.each(['localhost', 'LOCALHOST:99', '127.0.0.1', '[::1]:8765', 'hub.example', 'Hub.Example:443'])(
      'lets %j in (H1)',
      async (host) => {
        const { url } = await startHub({ hostNames: ['hub.example'] });
        expect(await refusal(url, { headers: { Host: host }, token: OPERATOR })).toBe(101);
      },
    );

    it('is looked at before the token: a stranger learns nothing of it (H1)', async () => {
      const { hub } = await startHub();
      expect((await get(`${hub.url}/vms`, { Host: 'evil.example' })).status).toBe(403);
      expect((await get(`${hub.url}/healthz`, { Host: 'evil.example' })).status).toBe(403);
    });
  });

  describe('Origin', () => {
    it.each([
      'https://evil.example',
      'http://127.0.0.1.evil.example',
      'http://localhost.evil.example',
      'null',
      'file://',
      'chrome-extension://localhost',
      'https://dashboard.example:8443',
      'http://dashboard.example',
      'https://dashboard.example.evil.example',
      'https://dashboard.example, https://evil.example',
      'localhost',
    ])('refuses a page of %s (H1)', async (origin) => {
      const { hub, url } = await startHub({ origins: ['https://dashboard.example'] });
      expect(await refusal(url, { headers: { Origin: origin }, token: OPERATOR })).toBe(403);
      const headers = { Origin: origin, Authorization: `Bearer ${OPERATOR}` };
      expect((await get(`${hub.url}/vms`, headers)).status).toBe(403);
    });

    it('is never compared with the Host: both may be forged alike (H1)', async () => {
      const { url } = await startHub({ hostNames: ['hub.example'] });
      const headers = { Host: 'hub.example', Origin: 'https://evil.example' };
      expect(await refusal(url, { headers, token: OPERATOR })).toBe(403);
    });

    it('lets its own pages in, and those of an origin that is named (H1)', async () => {
      const { hub, url } = await startHub({ hostNames: ['hub.example'], origins: ['https://dashboard.example'] });
      const own = ['127.0.0.1', 'localhost', 'hub.example'].map((host) => `http://${host}:${hub.port}`);
      for (const origin of [...own, 'https://dashboard.example']) {
        expect(await refusal(url, { headers: { Origin: origin }, token: OPERATOR })).toBe(101);
      }
    });
  });

  describe('token', () => {
    it.each([
      ['no token', {}],
      ['an empty one', { Authorization: 'Bearer ' }],
      ['a wrong one', { Authorization: 'Bearer operator-0123456780' }],
      ['a truncated one', { Authorization: `Bearer ${OPERATOR.slice(0, -1)}` }],
      ['a longer one', { Authorization: `Bearer ${OPERATOR}0` }],
      ['another case', { Authorization: `Bearer ${OPERATOR.toUpperCase()}` }],
      ['another scheme', { Authorization: `Basic ${OPERATOR}` }],
      ['two in one', { Authorization: `Bearer ${OPERATOR} ${VIEWER}` }],
      ['a wrong subprotocol', { 'Sec-WebSocket-Protocol': 'qmp, bearer.wrong' }],
      ['a subprotocol without the prefix', { 'Sec-WebSocket-Protocol': OPERATOR }],
      ['a cookie', { Cookie: `token=${OPERATOR}` }],
    ])('refuses %s everywhere (H1)', async (_what, headers) => {
      const { hub, url } = await startHub();
      expect(await refusal(url, { headers })).toBe(401);
      expect(await refusal(`${hub.url}/events`, { headers })).toBe(401);
      expect((await get(`${hub.url}/vms`, headers)).status).toBe(401);
      expect((await get(`${hub.url}/metrics`, headers)).status).toBe(401);
    });

    it('counts for nothing in the address, and is not logged from there (H1)', async () => {
      const { hub, url, log } = await startHub();
      expect(await refusal(`${url}?token=${OPERATOR}`)).toBe(401);
      expect((await get(`${hub.url}/vms?access_token=${OPERATOR}`)).status).toBe(401);
      expect(log.join('\n')).toContain('/vms/vm1: 401');
      expect(log.join('\n')).not.toContain(OPERATOR);
    });

    it('comes as a header or as a subprotocol, which is not sent back (H1)', async () => {
      const { url, log } = await startHub();
      const byHeader = closeLater(await RawClient.open(url, { token: VIEWER }));
      const byProtocol = closeLater(await RawClient.open(url, { protocols: [`bearer.${VIEWER}`, 'qmp'] }));
      expect(byHeader.socket.protocol).toBe('');
      expect(byProtocol.socket.protocol).toBe('qmp');
      expect(log.join('\n')).not.toContain(VIEWER);
    });

    it('is not asked for with noToken; Host and Origin are still looked at (H1)', async () => {
      const { hub, url } = await startHub({ noToken: true });
      expect(hub.token).toBeUndefined();
      expect(await refusal(url)).toBe(101);
      expect(await refusal(url, { headers: { Origin: 'https://evil.example' } })).toBe(403);
    });

    it('is made where none is given, each time another (H1)', async () => {
      const [one, other] = [closeLater(await createHub({ port: 0 })), closeLater(await createHub({ port: 0 }))];
      expect(one.token).toMatch(/^[\w-]{32}$/);
      expect(one.token).not.toBe(other.token);
      expect((await get(`${one.url}/vms`, { Authorization: `Bearer ${String(one.token)}` })).status).toBe(200);
      expect((await get(`${one.url}/vms`, { Authorization: `Bearer ${String(other.token)}` })).status).toBe(401);
    });

    it('is not needed for /healthz, which says nothing', async () => {
      const { hub } = await startHub();
      expect(await get(`${hub.url}/healthz`)).toMatchObject({ status: 200, body: 'ok\n' });
      // Nor is it a way in.
      expect(await refusal(`${hub.url}/healthz`)).toBe(404);
      expect(await refusal(`${hub.url}/healthz/../events`)).toBe(401);
    });
  });

  describe('the start', () => {
    it.each([
      ['beyond loopback without TLS', { host: '0.0.0.0' }],
      ['on every address without TLS', { host: '::' }],
      ['on a name that may be anything', { host: 'localhost.example' }],
      ['beyond loopback without a token', { host: '0.0.0.0', noToken: true, behindProxy: true }],
      ['with tokens and noToken', { noToken: true, tokens: [{ role: 'viewer', token: VIEWER }] }],
      ['with an empty list of tokens', { tokens: [] }],
      ['with a short token', { tokens: [{ role: 'viewer', token: 'short' }] }],
      ['with a token twice', { tokens: ['viewer', 'operator'].map((role) => ({ role, token: VIEWER })) }],
      ['with a role that is none', { tokens: [{ role: 'root', token: VIEWER }] }],
      ['with an origin that has a path', { origins: ['https://dashboard.example/'] }],
      ['with the origin of everybody', { origins: ['null'] }],
      ['with a host name that has a port', { hostNames: ['hub.example:8765'] }],
      ['with two commands in one', { allow: ['stop,cont'] }],
      ['with a wildcard', { allow: ['*'] }],
      ['with a VM whose name is a path', { vms: { '../etc': 'unix:/x' } }],
      ['with an address that is none', { vms: { vm1: '/x' } }],
      ['with a limit that is none', { limits: { commands: 0 } }],
    ] as [string, HubOptions][])('is refused %s (H1)', async (_what, options) => {
      await expect(createHub({ port: 0, ...options })).rejects.toMatchObject({
        name: expect.stringMatching(/^(Type|Range)Error$/) as string,
      });
    });

    it('beyond loopback is allowed behind a proxy; then the address itself is a Host (H1)', async () => {
      const { hub } = await startHub({ host: '0.0.0.0', behindProxy: true });
      const headers = { Authorization: `Bearer ${VIEWER}` };
      expect((await get(`http://127.0.0.1:${hub.port}/vms`, headers)).status).toBe(200);
      expect((await get(`http://127.0.0.2:${hub.port}/vms`, headers)).status).toBe(200);
      expect((await get(`http://127.0.0.2:${hub.port}/vms`, { ...headers, Host: '127.0.0.3' })).status).toBe(403);
    });

    it('logs who is behind the proxy, by the address that the proxy saw', async () => {
      const { hub, logged } = await startHub({ behindProxy: true });
      await get(`${hub.url}/vms`, { 'X-Forwarded-For': '10.9.9.9, 192.0.2.7' });
      await logged(/^192\.0\.2\.7 GET \/vms: 401/);
    });
  });
});
