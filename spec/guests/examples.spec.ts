import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExamplesFolder, headerOf, patternOf, withGuest } from '../support/examples.js';
import { exit, socketAt } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { describeGuest, guestFiles } from './guest-files.js';

const root = join(__dirname, '../..');
/** Milliseconds that a guest takes to boot, twice, on the slowest machine. */
const PATIENCE = 150_000;
jest.setTimeout(PATIENCE);

describeGuest('examples with a guest, as their README tells', () => {
  const machines = temporaryFolder();
  const folder = new ExamplesFolder(PATIENCE, machines.path);
  const running: { readonly child: ChildProcess; readonly ended: Promise<string> }[] = [];
  const logOf = (name: string): string => readFileSync(join(machines.path, `${name}.log`), 'utf8');

  /** Starts both VMs by the script and the arguments that the README gives, with this folder instead of /tmp. */
  beforeAll(async () => {
    folder.prepare();
    const page = readFileSync(join(root, 'examples/README.md'), 'utf8');
    const commands = [...page.matchAll(/^bash (examples\/support\/guest) (.*) &$/gm)].map(
      ([, script = '', args = '']) => [join(root, script), ...args.split(' ')],
    );
    expect(commands.map(([, name]) => name)).toEqual(['vm1', 'vm2']);
    const env = { ...process.env, TMPDIR: machines.path, GUEST: dirname(guestFiles().kernel) };
    for (const command of commands) {
      const child = spawn('bash', command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const ended = exit(child);
      running.push({ child, ended });
      const gone = new AbortController();
      void ended.then((how) => {
        gone.abort(new Error(`${command.join(' ')}: ${how}: ${said}`));
      });
      await socketAt(join(machines.path, `${command[1]}.qmp`), gone.signal);
    }
  });

  afterAll(async () => {
    for (const { child, ended } of running) {
      child.kill('SIGKILL');
      await ended;
    }
    machines.remove();
    folder.remove();
  });

  it.each(withGuest)('%s prints what its comment promises', async (file) => {
    // The last one finds the guest where the one before has moved it.
    const vms = file.includes('shutdown') ? ['vm2'] : ['vm1', 'vm2'];
    const addresses = vms.map((name) => `unix:${join(machines.path, name)}.qmp`);
    expect(await folder.runExample(file, ...addresses)).toMatch(patternOf(headerOf(file).prints));
  });

  it('were felt by the guest: it ran what was typed, and shut down by its power button', async () => {
    // A slow guest may have moved in the middle.
    expect(logOf('vm1') + logOf('vm2')).toContain('Hello from Linux!');
    expect(logOf('vm2')).toContain('POWER-BUTTON');
    expect(await running[1]?.ended).toBe('exit code 0');
  });

  it('leave nothing behind but the sockets of the VMs', () => {
    expect(readdirSync(machines.path).sort()).toEqual(['vm1.log', 'vm1.qga', 'vm1.qmp', 'vm2.log']);
  });
});
