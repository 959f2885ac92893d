import { mkdirSync, writeFileSync } from 'node:fs';
import { request as ask } from 'node:http';
import { join } from 'node:path';
import { createHub, type Hub } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { temporaryFolder } from '../../support/temporary-folder.js';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** The dashboard's page as the hub serves it (P2). */
describe('DashboardPage', () => {
  const folder = temporaryFolder();
  const token = 'operators-token-0123456789';
  let hub: Hub;

  beforeAll(() => {
    writeFileSync(join(folder.path, 'index.html'), '<app-root ngCspNonce="__CSP_NONCE__"></app-root>');
    writeFileSync(join(folder.path, 'main-ABC.js'), 'start()');
    mkdirSync(join(folder.path, 'deeper'));
    writeFileSync(join(folder.path, '.secret'), 'no');
  });
  afterAll(() => {
    folder.remove();
  });
  beforeEach(async () => {
    hub = await createHub({
      vms: { vm1: new FakeQemu().connector },
      port: 0,
      tokens: [{ role: 'operator', token }],
      dashboard: folder.path,
    });
  });
  afterEach(() => hub.close());

  function get(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // Not fetch(): it would clean the path, and sends a Host of its own.
      const request = ask({ host: '127.0.0.1', port: hub.port, path, ...options }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      });
      request.on('error', reject).end();
    });
  }

  it('serves the page to a browser that has no token yet, and nothing of the VMs (P1)', async () => {
    expect(await get('/')).toMatchObject({ status: 200, body: expect.stringContaining('<app-root') as string });
    expect((await get('/vms')).status).toBe(401);
    expect(await get('/vms', { headers: { authorization: `Bearer ${token}` } })).toMatchObject({ status: 200 });
  });

  it('lets it run scripts and styles of its own alone, with a nonce for each response (P2)', async () => {
    const nonces = [];
    for (const { headers, body } of [await get('/'), await get('/?x=1')]) {
      const nonce = /ngCspNonce="([^"]+)"/.exec(body)?.[1];
      expect(headers['content-security-policy']).toBe(
        [
          "default-src 'none'",
          "script-src 'self'",
          `style-src 'self' 'nonce-${String(nonce)}'`,
          "connect-src 'self'",
          "img-src 'self' data: blob:",
          "base-uri 'self'",
          "form-action 'none'",
          "frame-ancestors 'none'",
        ].join('; '),
      );
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      nonces.push(nonce);
    }
    expect(nonces[0]).not.toBe(nonces[1]);
    expect(nonces[0]).toMatch(/^[\w+/]{24}$/);
  });

  it('serves its other files for ever, since their names change with them', async () => {
    const { status, headers, body } = await get('/main-ABC.js');
    expect({ status, body }).toEqual({ status: 200, body: 'start()' });
    expect(headers).toMatchObject({
      'cache-control': 'public,max-age=31536000,immutable',
      'content-type': expect.stringMatching('javascript') as string,
      'x-content-type-options': 'nosniff',
    });
  });

  it.each(['/none.js', '/index.html', '/.secret', '/deeper', '/../package.json', '/%2e%2e/package.json', '/vms/'])(
    'has nothing at %s',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it('answers HEAD without a body, and refuses what is no reading', async () => {
    expect(await get('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect((await get('/', { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status).toBe(405);
  });

  it('serves it under the names of the hub only (H1)', async () => {
    expect((await get('/', { headers: { host: 'elsewhere.test' } })).status).toBe(403);
  });

  it('says how to build it where that was not done', async () => {
    const starting = createHub({ port: 0, dashboard: join(folder.path, 'deeper') });
    await expect(starting).rejects.toThrow(/there is no built dashboard in .+; npm run build:dashboard makes it/);
  });
});
