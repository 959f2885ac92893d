import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { QmpClient } from 'rx-qmp';
import { libvirt } from 'rx-qmp/libvirt';
import { ScriptedDaemon } from './scripted-daemon.js';

describe('the search for the socket of a daemon', () => {
  const before = env['XDG_RUNTIME_DIR'];
  let daemon: ScriptedDaemon;
  let folder: string;

  beforeEach(async () => {
    daemon = new ScriptedDaemon();
    await daemon.start();
    folder = join(daemon.folder.path, 'libvirt');
    mkdirSync(folder);
    env['XDG_RUNTIME_DIR'] = daemon.folder.path;
    // Root has no session of its own.
    jest.spyOn(process, 'getuid').mockReturnValue(1000);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    if (before === undefined) delete env['XDG_RUNTIME_DIR'];
    else env['XDG_RUNTIME_DIR'] = before;
    await daemon.close();
  });

  async function connects(): Promise<void> {
    await using client = new QmpClient(libvirt('vm1', { uri: 'qemu:///session' }));
    await client.connect();
  }

  it.each(['virtqemud-sock', 'libvirt-sock'])(
    'finds %s, where the other is absent or nobody listens at it',
    async (name) => {
      symlinkSync(daemon.socket, join(folder, name));
      await connects();
      const other = name === 'libvirt-sock' ? 'virtqemud-sock' : 'libvirt-sock';
      symlinkSync(join(folder, 'nobody'), join(folder, other));
      await connects();
    },
  );

  it('takes virtqemud where both listen', async () => {
    const second = new ScriptedDaemon();
    await second.start();
    try {
      symlinkSync(second.socket, join(folder, 'virtqemud-sock'));
      symlinkSync(daemon.socket, join(folder, 'libvirt-sock'));
      await connects();
      expect([second.calls.length > 0, daemon.calls.length]).toEqual([true, 0]);
    } finally {
      await second.close();
    }
  });

  it('names both sockets where neither is there, nor their folder', async () => {
    const [first, second] = ['virtqemud-sock', 'libvirt-sock'].map((name) => join(folder, name));
    await expect(connects()).rejects.toThrow(`no libvirt daemon for qemu:///session listens at ${first} or ${second}`);
    renameSync(folder, join(daemon.folder.path, 'gone'));
    await expect(connects()).rejects.toThrow(`${first} or ${second}`);
  });
});
