import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { once } from 'node:events';
import { createHub, serve, type HubOptions } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { Cli, rxQmp, type Run } from '../support/cli.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CERT = join(__dirname, '../fixtures/tls/cert.pem');
const KEY = join(__dirname, '../fixtures/tls/key.pem');
const TOKEN = 'a-token-that-is-long-enough-to-be-one';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A hub with one VM that runs, `vm1`, and one that is not there, `vm2`. */
async function startHub(options: HubOptions = {}): Promise<string> {
  const hub = await createHub({
    vms: { vm1: new FakeQemu().connector, vm2: 'unix:/no/such.sock' },
    tokens: [{ role: 'operator', token: TOKEN }],
    port: 0,
    ...options,
  });
  closing.push(() => hub.close());
  let listed = '';
  while (!listed.includes('"ready"')) listed = (await withToken(['vms', hub.url, '--tls-ca', CERT])).stdout;
  return hub.url.replace('127.0.0.1', 'localhost');
}

function withToken(args: readonly string[], token = TOKEN): Promise<Run> {
  const cli = new Cli(args, { RX_QMP_TOKEN: token });
  cli.process.stdin.end();
  return cli.ended();
}

describe('an address of the command line', () => {
  it('may be a VM of a hub, the token in a variable or a file', async () => {
    const url = await startHub();
    const address = `${url.replace('http', 'ws')}/vms/vm1`;
    expect(await withToken(['exec', address, 'query-status'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"running": true') as string,
    });
    const folder = temporaryFolder();
    closing.push(() => {
      folder.remove();
    });
    const file = join(folder.path, 'token');
    writeFileSync(file, `${TOKEN}\n`);
    expect(await rxQmp('exec', '--token-file', file, address, 'query-status')).toMatchObject({ code: 0 });
    writeFileSync(file, `operator ${TOKEN}\n`);
    expect(await rxQmp('exec', '--token-file', file, address, 'query-status')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must hold one token and nothing else') as string,
    });
  });

  it.each([
    ['vm1', 'another-token-that-the-hub-does-not-know', /wants a token that it knows/],
    ['vm2', TOKEN, /has the VM, and is not connected to it/],
    ['vm3', TOKEN, /has no such VM/],
  ])('of a hub says why it refuses %s', async (vm, token, message) => {
    const url = await startHub();
    const { code, stderr } = await withToken(['exec', `${url.replace('http', 'ws')}/vms/${vm}`, 'query-status'], token);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('may be a hub with TLS, whose authority --tls-ca names', async () => {
    const url = await startHub({ tls: { cert: readFileSync(CERT), key: readFileSync(KEY) } });
    const address = `${url.replace('http', 'ws')}/vms/vm1`;
    expect(await withToken(['exec', address, 'query-status', '--tls-ca', CERT])).toMatchObject({ code: 0 });
    expect(await withToken(['exec', address, 'query-status'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/self-signed certificate/) as string,
    });
  });

  it('may be a TCP port with TLS and a certificate for each side', async () => {
    const plain = await serve(new FakeQemu().connector, 0);
    closing.push(() => plain.close());
    const [, port = ''] = /:(\d+)$/.exec(plain.address) ?? [];
    const cert = readFileSync(CERT);
    const server = createServer({ cert, key: readFileSync(KEY), ca: cert, requestCert: true }, (socket) => {
      const inside = connect(Number(port), '127.0.0.1');
      socket.on('error', () => inside.destroy()).pipe(inside);
      inside.on('error', () => socket.destroy()).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      server.close();
    });
    const address = `tcp:localhost:${(server.address() as AddressInfo).port}`;
    const files = ['--tls-ca', CERT, '--tls-cert', CERT, '--tls-key', KEY];
    expect(await rxQmp('exec', address, 'query-status', ...files)).toMatchObject({ code: 0 });
    expect(await rxQmp('exec', address, 'query-status', '--tls-ca', CERT, '--tls-key', KEY)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--tls-cert and --tls-key go together') as string,
    });
  });
});

describe('rx-qmp vms', () => {
  it('lists the VMs of a hub, with the addresses that other commands take', async () => {
    const url = await startHub();
    const { code, stdout } = await withToken(['vms', url]);
    const [vm1, vm2] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(code).toBe(0);
    expect(vm1).toMatchObject({ name: 'vm1', state: 'ready', address: `${url.replace('http', 'ws')}/vms/vm1` });
    expect(vm2).toMatchObject({ name: 'vm2', state: 'connecting', reason: expect.any(String) as string });
  });

  it.each([
    [2, ['vms', 'localhost:8765'], /url must be http/],
    [1, ['vms', 'http://127.0.0.1:1'], /ECONNREFUSED.*is the hub running/],
  ])('ends with %i, and says what is wrong with %j', async (exitCode, args, message) => {
    const { code, stderr } = await rxQmp(...args);
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(message);
  });

  it('says which token is missing', async () => {
    expect(await withToken(['vms', await startHub()], '')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/401 .*--token-file or RX_QMP_TOKEN/) as string,
    });
  });
});
