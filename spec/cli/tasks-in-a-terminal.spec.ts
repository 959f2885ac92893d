import { connect } from 'rx-qmp/node';
import type { QmpClient } from 'rx-qmp';
import { MAIN } from '../support/cli.js';
import { describeQemu, spawnQemu, type Qemu } from '../support/qemu.js';
import { describeTerminal, Terminal } from '../support/tmux.js';

describeQemu('rx-qmp shutdown, jobs, migrate', () => {
  describeTerminal('in a terminal', () => {
    let qemu: Qemu;
    let terminal: Terminal;
    beforeAll(async () => {
      qemu = await spawnQemu(['-machine', 'pc,accel=tcg', '-m', '32', '-nodefaults', '-display', 'none']);
    });
    afterEach(() => {
      terminal.close();
    });
    afterAll(() => qemu.stop());

    const rxQmp = (args: string, columns = 80): void => {
      terminal = new Terminal(`${process.execPath} ${MAIN} ${args}`, {}, columns);
    };
    const prepare = async (act: (client: QmpClient) => Promise<unknown>): Promise<void> => {
      const client = await connect(qemu.address);
      await act(client);
      await client.close();
    };

    it('shutdown tells what it waits for, and what Ctrl-C leaves', async () => {
      rxQmp(`shutdown ${qemu.address} --grace 120 --no-quit`);
      await terminal.until(/^waiting up to 120 s for the guest to shut down, then this fails$/m);
      terminal.type('', 'C-c');
      expect((await terminal.until(/^ended 130$/m)).split('\n').slice(1)).toEqual([
        expect.stringMatching(/^(\^C)?$/) as string,
        'no longer waiting; the guest may still shut down',
        'ended 130',
      ]);
    });

    it('jobs --follow draws a bar for each, also where it is narrow, and leaves one of each on Ctrl-C', async () => {
      await prepare(async (client) => {
        for (const name of ['source', 'one', 'two']) {
          await client.execute('blockdev-add', { driver: 'null-co', 'node-name': name, size: 67_108_864 });
        }
        for (const target of ['one', 'two']) {
          const job = { 'job-id': `copy-${target}`, device: 'source', target, sync: 'full', speed: 65_536 } as const;
          await client.execute('blockdev-backup', job);
        }
      });
      rxQmp(`jobs ${qemu.address} --follow`, 40);
      await terminal.until(/running\n.* running$/m);
      terminal.type('', 'C-c');
      const bar = (name: string): string =>
        expect.stringMatching(RegExp(`^ {2}\\d% \\[-{8}\\] ${name} running$`)) as string;
      const screen = await terminal.until(/^ended 130$/m);
      expect(screen.split('\n').sort()).toEqual([bar('copy-one'), bar('copy-two'), 'ended 130'].sort());
      await prepare((client) =>
        Promise.all(['copy-one', 'copy-two'].map((id) => client.execute('job-cancel', { id }))),
      );
    });

    it('migrate draws one bar, and below it says what became of it on Ctrl-C', async () => {
      await prepare((client) => client.execute('migrate-set-parameters', { 'max-bandwidth': 100_000 }));
      rxQmp(`migrate ${qemu.address} 'exec:cat >/dev/null'`, 40);
      await terminal.until(/memory active/);
      terminal.type('', 'C-c');
      expect((await terminal.until(/^ended 130$/m)).split('\n')).toEqual([
        expect.stringMatching(/^ *\d+% \[=*-*\] memory active$/) as string,
        'cancelled: the VM runs on where it is',
        'ended 130',
      ]);
    });

    it('migrate that is refused says so in the first line', async () => {
      rxQmp(`migrate ${qemu.address} nonsense:x`);
      expect(await terminal.until(/^ended 1$/m)).toMatch(/^rx-qmp: unix:.*: migrate: /);
    });
  });
});
