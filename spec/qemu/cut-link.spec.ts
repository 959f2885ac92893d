import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient, type Connector } from 'rx-qmp';
import { accept, tcp, unixSocket, webSocket } from 'rx-qmp/node';
import { networkNamespace, type NetworkNamespace } from '../support/network-namespace.js';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const INTERVAL = 500;
/** Two intervals, and what a busy machine adds. */
const LIMIT = 2 * INTERVAL + 5_000;
const TOKEN = 'cut-link-0123456789';
const MAIN = join(__dirname, '../../dist/cli/main.cjs');
const TLS = join(__dirname, '../fixtures/tls');
const QEMU = ['-machine', 'none', '-nodefaults', '-display', 'none', '-qmp'];

/** In front of the unix socket of a QEMU. */
const TERMINATOR = `
  const [path, host, cert, key] = process.argv.slice(1);
  const { readFileSync } = require('node:fs');
  require('node:tls').createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    socket.pipe(require('node:net').connect(path)).pipe(socket).on('error', () => {});
    socket.on('error', () => {});
  }).listen(4446, host);
`;

type Open = (network: NetworkNamespace, qemu: Qemu) => Connector | Promise<Connector>;

/** Each kind of connection that crosses a network, to a real QEMU at its other end. */
const KINDS: readonly (readonly [string, Open])[] = [
  [
    'tcp()',
    (net) => {
      net.spawn('qemu-system-x86_64', [...QEMU, `tcp:${net.there}:4444,server=on,wait=off`]);
      return tcp(net.there, 4444);
    },
  ],
  [
    'tcp() with TLS',
    (net, { path }) => {
      const files = ['cert', 'key'].map((name) => join(TLS, `${name}.pem`));
      net.spawn(process.execPath, ['-e', TERMINATOR, path, net.there, ...files]);
      return tcp(net.there, 4446, { tls: { servername: 'localhost', ca: [readFileSync(join(TLS, 'cert.pem'))] } });
    },
  ],
  [
    'accept()',
    (net) => {
      const connector = accept(`tcp:${net.here}:4445`);
      const dialling = async (signal: AbortSignal): ReturnType<Connector> => {
        const accepted = connector(signal);
        net.spawn('qemu-system-x86_64', [...QEMU, `tcp:${net.here}:4445,server=off,reconnect=1`]);
        return accepted;
      };
      return Object.assign(dialling, { waitsForPeer: true });
    },
  ],
  [
    'webSocket()',
    async (net, { address, folder }) => {
      const tokens = join(folder, 'tokens');
      writeFileSync(tokens, `operator ${TOKEN}\n`, { mode: 0o600 });
      const args = [`vm1=${address}`, '--listen', `${net.there}:8765`, '--behind-proxy', '--token-file', tokens];
      const hub = net.spawn(process.execPath, [MAIN, 'hub', ...args]);
      if (hub.stdout) await once(createInterface(hub.stdout), 'line');
      return webSocket(`ws://${net.there}:8765/vms/vm1`, { token: TOKEN });
    },
  ],
];

/** Resolves with the cause and the milliseconds that it took to notice. */
async function noticed(client: QmpClient, cut: () => void): Promise<{ cause: unknown; took: number }> {
  const lost = firstValueFrom(client.state$.pipe(filter((state) => state.phase === 'reconnecting')));
  const since = performance.now();
  cut();
  const { cause } = await lost;
  return { cause, took: performance.now() - since };
}

const SILENT = { name: 'DisconnectedError', message: expect.stringMatching(/nothing came for 500 ms/) as string };

/** Connects as often as it takes: what is started there may not listen yet. */
async function connected(connector: Connector): Promise<QmpClient> {
  const client = new QmpClient(connector, { heartbeat: INTERVAL, reconnect: { delay: () => 50 } });
  await client.connect();
  return client;
}

const network = networkNamespace('a link that is cut is noticed (C10)');
afterAll(() => {
  network?.remove();
});

(network ? describeQemu : describe.skip)('a link that is cut', () => {
  const folder = temporaryFolder();
  const others = network as NetworkNamespace;
  let qemu: Qemu;
  let client: QmpClient | undefined;
  beforeAll(async () => {
    qemu = await startQemu();
  });
  afterEach(async () => {
    await client?.close();
    await others.clear();
    others.mend();
  });
  afterAll(async () => {
    await qemu.stop();
    folder.remove();
  });

  it.each(KINDS)('is noticed within two intervals: %s, nothing in flight (C10)', async (_kind, open) => {
    client = await connected(await open(others, qemu));
    const { cause, took } = await noticed(client, () => {
      others.cut();
    });
    expect(cause).toMatchObject(SILENT);
    expect(took).toBeLessThan(LIMIT);
  });

  it.each(KINDS)('is noticed within two intervals: %s, a command in flight (C10)', async (_kind, open) => {
    client = await connected(await open(others, qemu));
    let answer: Promise<unknown> | undefined;
    const { took } = await noticed(client, () => {
      others.cut();
      answer = client?.execute('query-status').catch((error: unknown) => error);
    });
    expect(await answer).toMatchObject({ name: 'ExecInterruptedError', cause: SILENT });
    expect(took).toBeLessThan(LIMIT);
  });
});

describeQemu('a QEMU that is stopped by a signal', () => {
  it.each([false, true])('is noticed within two intervals (C10); a command in flight: %s', async (inFlight) => {
    const qemu = await startQemu();
    const client = await connected(unixSocket(qemu.path));
    let answer: Promise<unknown> | undefined;
    const { cause, took } = await noticed(client, () => {
      qemu.process.kill('SIGSTOP');
      if (inFlight) answer = client.execute('query-status').catch((error: unknown) => error);
    });
    if (answer) expect(await answer).toMatchObject({ name: 'ExecInterruptedError' });
    expect(cause).toMatchObject(SILENT);
    expect(took).toBeLessThan(LIMIT);
    await client.close();
    await qemu.stop();
  });
});
