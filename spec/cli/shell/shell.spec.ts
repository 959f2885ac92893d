import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { QmpClient } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { Cli, MAIN } from '../../support/cli.js';
import { describeQemu, startQemu, type Qemu } from '../../support/qemu.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { describeTerminal, Terminal } from '../../support/tmux.js';

describeQemu('rx-qmp shell', () => {
  let qemu: Qemu;
  beforeEach(async () => {
    qemu = await startQemu(['-qmp', 'unix:steer,server=on,wait=off']);
  });
  afterEach(() => qemu.stop());

  describeTerminal('in a terminal', () => {
    const folder = temporaryFolder();
    const history = join(folder.path, 'rx-qmp', 'history');
    let terminal: Terminal;
    /** On a second monitor, since the first serves the shell. */
    let client: QmpClient;
    beforeEach(async () => {
      client = await connect(`unix:${join(dirname(qemu.path), 'steer')}`);
      terminal = new Terminal(`${process.execPath} ${MAIN} shell ${qemu.address}`, { XDG_STATE_HOME: folder.path });
      await terminal.until(/^\(QEMU\)$/m);
    });
    afterEach(async () => {
      terminal.close();
      await client.close();
    });
    afterAll(() => {
      folder.remove();
    });

    it('completes commands, arguments and values, and runs the command', async () => {
      terminal.type('query-statu', 'Tab');
      await terminal.until(/^\(QEMU\) query-status$/m);
      terminal.type('', 'Enter');
      await terminal.until(/"status": "running"/);
      terminal.type('job-dismiss ', 'Tab');
      await terminal.until(/^\(QEMU\) job-dismiss id=$/m);
      terminal.type('none', 'Enter');
      await terminal.until(/^GenericError: Job not found$/m);
      terminal.type('', 'C-d');
      await terminal.until(/^ended 0$/m);
    });

    it('shows events above the line that is being typed, which may be longer than the terminal is wide', async () => {
      const typed = `human-monitor-command command-line='${'info status '.repeat(10)}`;
      terminal.type(typed);
      await terminal.until(/info status$/m);
      await client.execute('stop');
      await terminal.until(/STOP/);
      terminal.type('and on');
      await client.execute('cont');
      const screen = await terminal.until(/RESUME[^]*and on$/);
      const rows = screen.split('\n').slice(1);
      expect(rows.slice(0, 2)).toEqual([
        expect.stringMatching(/^[\d:.]+ STOP$/) as string,
        expect.stringMatching(/^[\d:.]+ RESUME$/) as string,
      ]);
      expect(
        rows
          .slice(2)
          .map((row) => row.padEnd(100))
          .join('')
          .trimEnd(),
      ).toBe(`(QEMU) ${typed}and on`);
    });

    it('takes a transaction in several lines, hmp, and a Ctrl-C that clears', async () => {
      terminal.type('transaction(', 'Enter');
      await terminal.until(/^\.\.\.\.\.\.$/m);
      terminal.type('abort', 'Enter');
      terminal.type(')', 'Enter');
      await terminal.until(/^GenericError: Transaction aborted using Abort action$/m);
      terminal.type('hmp info status', 'Enter');
      await terminal.until(/^VM status: running$/m);
      terminal.type('quit', 'C-c');
      await terminal.until(/quit\^C\n\(QEMU\)$/);
      terminal.type('query-stauts', 'Enter');
      await terminal.until(/did you mean query-status/);
    });

    it('keeps a history, for its owner alone and without secrets', async () => {
      terminal.type('set_password protocol=vnc password=hush', 'Enter');
      await terminal.until(/GenericError/);
      terminal.type('hmp info version', 'Enter');
      await terminal.until(/^\d+\.\d+/m);
      terminal.type('', 'C-d');
      await terminal.until(/^ended 0$/m);
      expect(readFileSync(history, 'utf8')).toMatch(/^hmp info version$/m);
      expect(readFileSync(history, 'utf8')).not.toContain('hush');
      expect(statSync(history).mode & 0o777).toBe(0o600);
      const again = new Terminal(`${process.execPath} ${MAIN} shell ${qemu.address}`, { XDG_STATE_HOME: folder.path });
      await again.until(/^\(QEMU\)$/m);
      again.type('', 'Up');
      await again.until(/^\(QEMU\) hmp info version$/m);
      again.close();
    });

    it('ends when the VM does, and says so', async () => {
      terminal.type('quit', 'Enter');
      const screen = await terminal.until(/^ended 0$/m);
      expect(screen).toMatch(/SHUTDOWN.*\n[^]*the VM has quit\nended 0$/);
    });
  });

  it('reads lines from a pipe, with exit code 1 if one fails', async () => {
    const lines = new Cli(['shell', qemu.address]);
    lines.process.stdin.end('hmp info status\nblockdev-del node-name=none\nexit\nquit\n');
    expect(await lines.ended()).toEqual({
      code: 1,
      stdout: 'VM status: running\n',
      stderr: expect.stringMatching(/^GenericError: .*none/) as string,
    });
    const fine = new Cli(['shell', qemu.address]);
    fine.process.stdin.end('stop\n{"execute": "cont"}\n');
    const { code, stdout } = await fine.ended();
    expect({ code, events: stdout.match(/STOP|RESUME/g) }).toEqual({ code: 0, events: ['STOP', 'RESUME'] });
  });

  it('says that the connection is lost, with exit code 1', async () => {
    const cli = new Cli(['shell', qemu.address]);
    cli.process.stdin.write('stop\n');
    await cli.until('stdout', /STOP/);
    await qemu.kill();
    expect(await cli.ended()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('connection is lost') as string,
    });
  });
});
