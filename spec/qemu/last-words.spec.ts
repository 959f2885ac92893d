import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient, type Connector } from 'rx-qmp';
import { accept, launch, tcp, unixSocket } from 'rx-qmp/node';
import { describeQemu, exit, socketAt, spawnQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const TIMES = 10;
const HEARD = ['SHUTDOWN', 'closed', false];
const BLANK = ['-machine', 'none', '-nodefaults', '-display', 'none'];

/** Blocks this program until the other has said its last words and is gone, then writes to it. */
async function heardLast(connector: Connector, end: () => void): Promise<unknown[]> {
  const client = new QmpClient(connector);
  await client.connect();
  end();
  block();
  await client.execute('query-status').catch(() => undefined);
  const heard = lastOf(client);
  await client.close();
  return heard;
}

/** Nothing of this program runs for a while, and what arrives stays in the socket. */
function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}

function lastOf(client: QmpClient): unknown[] {
  const { state } = client;
  return [client.events.history.at(-1)?.event, state.phase, 'cause' in state ? state.cause : false];
}

/** A server in a process of its own, so that it can go while this one is busy. */
const SERVER = `
  const { cert, key } = JSON.parse(process.argv[1]);
  const line = (message) => JSON.stringify(message) + '\\r\\n';
  const serve = (socket) => {
    socket.on('error', () => {});
    socket.write(line({ QMP: { version: { qemu: { major: 10, minor: 0, micro: 0 }, package: '' }, capabilities: [] } }));
    socket.once('data', (text) => socket.write(line({ return: {}, id: JSON.parse(text).id })));
    process.once('SIGTERM', () => {
      const data = { guest: false, reason: 'host-signal' };
      socket.write(line({ event: 'SHUTDOWN', data, timestamp: { seconds: 1, microseconds: 2 } }), () => process.exit());
    });
  };
  const server = cert ? require('node:tls').createServer({ cert, key }, serve) : require('node:net').createServer(serve);
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

describeQemu('the last words of a QEMU, while the program is busy and then writes', () => {
  it('are heard on a unix socket, and its end is no loss (C11)', async () => {
    for (let time = 0; time < TIMES; time += 1) {
      const qemu = await spawnQemu(BLANK);
      const ended = once(qemu.process, 'exit');
      expect(await heardLast(unixSocket(qemu.path), () => qemu.process.kill())).toEqual(HEARD);
      await ended;
      await qemu.stop();
    }
  });

  it('are heard by a program that asks it something each 5 ms (C11)', async () => {
    for (let time = 0; time < TIMES; time += 1) {
      const qemu = await spawnQemu(BLANK);
      const client = new QmpClient(unixSocket(qemu.path));
      await client.connect();
      const closed = firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
      const polling = setInterval(() => {
        client.execute('query-status').catch(() => undefined);
      }, 5);
      await client.execute('query-status');
      qemu.process.kill();
      await closed;
      clearInterval(polling);
      expect(lastOf(client)).toEqual(HEARD);
      await client.close();
      await qemu.stop();
    }
  });

  it('are heard of a QEMU that has dialled in (C11)', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'qmp');
    const where = `unix:${path}`;
    for (let time = 0; time < TIMES; time += 1) {
      let qemu: ChildProcess | undefined;
      const connector = accept(where);
      const dialling = (signal: AbortSignal): ReturnType<Connector> => {
        const accepted = connector(signal);
        void socketAt(path, signal).then(() => {
          qemu = spawn('qemu-system-x86_64', [...BLANK, '-qmp', `${where},server=off`], { stdio: 'ignore' });
        });
        return accepted;
      };
      expect(await heardLast(dialling, () => qemu?.kill())).toEqual(HEARD);
      if (qemu?.exitCode === null && qemu.signalCode === null) await exit(qemu);
    }
    folder.remove();
  });

  it('are heard of a QEMU that this program has launched (C11)', async () => {
    for (let time = 0; time < TIMES; time += 1) {
      const vm = await launch([...BLANK]);
      process.kill(vm.pid, 'SIGTERM');
      block();
      await vm.client.execute('query-status').catch(() => undefined);
      await vm.exited;
      expect(lastOf(vm.client)).toEqual(HEARD);
      await vm.stop();
    }
  });
});

// Not a real QEMU: it often leaves our line end unread, so that the kernel resets the connection and drops what it had received
// over TCP, before any program can read it.
describe('the last words of a server, while the program is busy and then writes', () => {
  const [cert, key] = ['cert', 'key'].map((name) =>
    readFileSync(join(__dirname, `../fixtures/tls/${name}.pem`), 'utf8'),
  );

  it.each([
    ['TCP', {}, undefined],
    ['TLS', { cert, key }, { ca: [cert as string] }],
  ])('are heard over %s, and its end is no loss (C11)', async (_what, files, tls) => {
    for (let time = 0; time < TIMES; time += 1) {
      const server = spawn(process.execPath, ['-e', SERVER, JSON.stringify(files)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const gone = once(server, 'exit');
      const [port] = (await once(createInterface(server.stdout), 'line')) as [string];
      const connector = tcp('localhost', Number(port), tls ? { tls } : {});
      expect(await heardLast(connector, () => server.kill())).toEqual(HEARD);
      await gone;
    }
  });
});
