import { closeSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { QmpClient } from 'rx-qmp';
import { withDescriptors } from 'rx-qmp/descriptors';
import { address, unixSocket } from 'rx-qmp/node';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { ScriptedServer } from '../support/scripted-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((name) => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      return '';
    }
  });
}

describeQemu('withDescriptors', () => {
  const folder = temporaryFolder();
  const disk = join(folder.path, 'disk.img');
  let qemu: Qemu;
  let client: QmpClient;

  beforeAll(async () => {
    writeFileSync(disk, Buffer.alloc(65_536));
    qemu = await startQemu();
  });
  afterAll(async () => {
    await qemu.stop();
    folder.remove();
  });
  beforeEach(async () => {
    client = new QmpClient(withDescriptors(unixSocket(qemu.path)));
    await client.connect();
  });
  afterEach(() => client.close());

  it('hands an open file to QEMU, which uses it as a disk', async () => {
    expect(client.name).toBe(qemu.address);
    const file = await open(disk, 'r+');
    const { 'fdset-id': set } = await client.execute('add-fd', { opaque: 'disk' }, { fds: [file] });
    await file.close();
    const filename = `/dev/fdset/${set}`;
    await client.execute('blockdev-add', { driver: 'file', 'node-name': 'disk', filename });
    expect(await client.execute('query-named-block-nodes')).toMatchObject([{ image: { 'virtual-size': 65_536 } }]);
    await client.execute('blockdev-del', { 'node-name': 'disk' });
    await client.execute('remove-fd', { 'fdset-id': set });
  });

  it('loses and leaks no descriptor in 2,000 rounds, beside other commands', async () => {
    const ours = openFiles(process.pid).length;
    const fd = openSync(disk, 'r');
    for (let round = 0; round < 200; round += 1) {
      const names = Array.from({ length: 10 }, (_, at) => `fd${at}`);
      const given = names.map((fdname) => client.execute('getfd', { fdname }, { fds: [fd] }));
      const others = [client.execute('query-status'), client.execute('query-name')];
      await Promise.all([...given, ...others]);
      await Promise.all(names.map((fdname) => client.execute('closefd', { fdname })));
    }
    closeSync(fd);
    expect(openFiles(process.pid)).toHaveLength(ours);
    expect(openFiles(qemu.process.pid as number).filter((path) => path === disk)).toEqual([]);
  });

  it('keeps the order with large commands that Node still holds', async () => {
    const fd = openSync(disk, 'r');
    const long = 'x'.repeat(400_000);
    const large = client.execute('query-named-block-nodes', { flat: true, [long]: 1 }).catch(() => 'refused');
    const given = client.execute('getfd', { fdname: 'after' }, { fds: [fd] });
    const last = client.execute('query-status');
    expect(await large).toBe('refused');
    await given;
    await last;
    await client.execute('closefd', { fdname: 'after' });
    closeSync(fd);
  });

  it('fails that command alone whose descriptor is closed already, and sends nothing', async () => {
    const fd = openSync(disk, 'r');
    closeSync(fd);
    await expect(client.execute('getfd', { fdname: 'closed' }, { fds: [fd] })).rejects.toMatchObject({
      name: 'ExecuteError',
      desc: 'one of fds is not an open descriptor; the command was not sent',
    });
    await expect(client.execute('closefd', { fdname: 'closed' })).rejects.toThrow('not found');
    const file = await open(disk);
    await file.close();
    await expect(client.execute('getfd', { fdname: 'closed' }, { fds: [file] })).rejects.toThrow(TypeError);
  });

  it('says so where descriptors cannot be passed', async () => {
    await client.close();
    client = new QmpClient(unixSocket(qemu.path));
    await client.connect();
    await expect(client.execute('getfd', { fdname: 'a' }, { fds: [0] })).rejects.toThrow(
      /passes no file descriptors; connect with withDescriptors\(unixSocket\(path\)\)/,
    );
    const server = await ScriptedServer.tcp(() => undefined);
    const other = new QmpClient(withDescriptors(address(server.address)));
    await expect(other.connect()).rejects.toThrow('file descriptors go over unix sockets only');
  });
});

describe('withDescriptors, without koffi', () => {
  it('says how to install it', async () => {
    jest.resetModules();
    jest.doMock('koffi', () => {
      throw new Error("Cannot find package 'koffi'");
    });
    const { withDescriptors: without } = await import('rx-qmp/descriptors');
    const client = new QmpClient(without(unixSocket('/tmp/none')));
    await expect(client.connect()).rejects.toThrow(
      'passing file descriptors needs the package koffi, which cannot be loaded: npm install koffi',
    );
    jest.dontMock('koffi');
  });
});
