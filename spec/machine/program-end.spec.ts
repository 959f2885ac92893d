import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { exit, describeQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ENTRY = join(__dirname, '../../dist/node.js');

/** What a test that fails would leave behind. */
const launched = new Set<number>();

/**
 * A program that has launched a QEMU. Both have the other end of a pipe, so that its end is the end of both. (Not in an fd set: QEMU
 * closes those that it does not use with its monitor.)
 *
 * @param then what the program does once it has said that it is ready
 * @param env its environment
 */
async function program(
  then = '',
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ child: ChildProcess; bothGone: Promise<unknown>; output: () => string }> {
  const text = `
    import { launch } from ${JSON.stringify(ENTRY)};
    const vm = await launch(['-machine', 'none', '-nodefaults', '-display', 'none'], { fds: [{ fd: 3, at: 20 }], grace: 0 });
    console.log('ready', vm.pid);
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env,
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const pipe = child.stdio[3] as Readable;
  const bothGone = once(pipe.resume(), 'close');
  while (!/ready \d+\n/.test(output)) await Promise.race([once(child.stdout as Readable, 'data'), bothGone]);
  launched.add(Number(/ready (\d+)/.exec(output)?.[1]));
  return { child, bothGone, output: () => output };
}

const canFollow = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;

describeQemu('a QEMU that was launched does not outlive its program (M4)', () => {
  /** Where no setpriv is found, what the program itself does has to do. */
  const folder = temporaryFolder();
  const alone = { PATH: folder.path };
  beforeAll(() => {
    const qemu = execFileSync('sh', ['-c', 'command -v qemu-system-x86_64'], { encoding: 'utf8' }).trim();
    symlinkSync(qemu, join(folder.path, 'qemu-system-x86_64'));
  });
  afterAll(() => {
    folder.remove();
  });

  afterEach(() => {
    for (const pid of launched) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended, as it should.
      }
    }
    launched.clear();
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('which ends by %s, as without a VM', async (signal) => {
    for (const env of [process.env, alone]) {
      const { child, bothGone } = await program('', env);
      child.kill(signal);
      expect(await exit(child)).toBe(signal);
      await bothGone;
    }
  });

  it.each([
    ['process.exit(7)', 'exit code 7'],
    ['throw new Error("mistake")', 'exit code 1'],
  ])('which ends by %s', async (then, how) => {
    for (const env of [process.env, alone]) {
      const { child, bothGone } = await program(then, env);
      expect(await exit(child)).toBe(how);
      await bothGone;
    }
  });

  (canFollow ? it : it.skip)('which is killed', async () => {
    const { child, bothGone } = await program();
    child.kill('SIGKILL');
    expect(await exit(child)).toBe('SIGKILL');
    await bothGone;
  });

  it('and is left to a program that handles the signal itself, to whose group Ctrl-C goes', async () => {
    const { child, bothGone, output } = await program(
      `process.once('SIGINT', async () => console.log(await vm.stop()));`,
    );
    process.kill(-(child.pid as number), 'SIGINT');
    expect(await exit(child)).toBe('exit code 0');
    await bothGone;
    expect(output()).toMatch(/^ready \d+\nquit\n$/);
  });
});
