import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { backoff, QmpClient } from 'rx-qmp';
import { tcp } from 'rx-qmp/node';
import ts from 'typescript';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const fixtures = join(__dirname, '../fixtures/tls');
const certificate = readFileSync(join(fixtures, 'cert.pem'));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describeQemu('the terminator of docs/tls.md', () => {
  const folder = temporaryFolder();
  let qemu: Qemu;
  let terminator: ChildProcess;
  let client: QmpClient | undefined;
  let port: number;

  beforeEach(async () => {
    qemu = await startQemu();
    port = await freePort();
    const page = readFileSync(join(__dirname, '../../docs/tls.md'), 'utf8');
    const code = (/```ts\n(.*?)```/s.exec(page)?.[1] ?? '')
      .replace('/run/vms/vm1.qmp', qemu.path)
      .replace('`/etc/qmp/${name}`', `'${fixtures}/' + name.replace('ca.', 'cert.')`)
      .replace("listen(4444, '0.0.0.0')", `listen(${port}, '127.0.0.1')`);
    const file = join(folder.path, 'terminator.mjs');
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(file, outputText);
    terminator = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe'] });
  });

  afterEach(async () => {
    await client?.close();
    terminator.kill();
    if (terminator.exitCode === null && terminator.signalCode === null) await once(terminator, 'close');
    await qemu.stop();
  });
  afterAll(() => {
    folder.remove();
  });

  it('lets who has a certificate use the monitor over TLS, also of a QEMU 7.2 (fact 16)', async () => {
    const tls = { ca: [certificate], cert: certificate, key: readFileSync(join(fixtures, 'key.pem')) };
    // Until it listens.
    client = new QmpClient(tcp('localhost', port, { tls }), { reconnect: backoff({ from: 20, to: 100 }) });
    await client.connect();
    const stopped = client.listener('STOP');
    await client.execute('stop');
    expect((await stopped.get()).event).toBe('STOP');
  });
});
