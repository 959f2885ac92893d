import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { ConsoleError, launch } from 'rx-qmp/node';
import { SerialConsole } from '../../src/machine/serial-console.js';
import { describeQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('SerialConsole', () => {
  const folder = temporaryFolder();
  const server = createServer();
  let guest: Socket;
  let console: SerialConsole;

  beforeAll(async () => {
    server.listen(join(folder.path, 'serial'));
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    folder.remove();
  });
  beforeEach(async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    console = new SerialConsole('vm1', createConnection(join(folder.path, 'serial')));
    [guest] = await accepted;
  });
  afterEach(() => {
    guest.destroy();
  });

  /** Writes as the guest; resolves when the console has it. */
  async function says(text: string): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      let all = '';
      const subscription = console.output$.subscribe((part) => {
        all += part;
        if (all.length < text.length) return;
        subscription.unsubscribe();
        resolve();
      });
    });
    guest.write(text);
    await heard;
  }

  it('finds what came before the wait, and goes on from the end of each match (M5)', async () => {
    await says('one two three two');
    expect((await console.waitFor(/t(w)o/g))[1]).toBe('w');
    expect((await console.waitFor('two')).index).toBe(' three '.length);
    const next = console.waitFor(/two/);
    guest.write('two');
    await next;
    await expect(console.waitFor(/two/, { timeout: 20 })).rejects.toThrow(ConsoleError);
  });

  it('finds what comes in pieces, characters cut in two among them', async () => {
    const found = console.waitFor('größe: ');
    for (const byte of Buffer.from('größe: 5')) guest.write(Buffer.of(byte));
    await found;
    await console.waitFor(/^5$/);
  });

  it('tells what it heard last, when nothing came in time or ever will', async () => {
    await says('Kernel panic\r\n');
    await expect(console.waitFor(/login:/, { timeout: 20 })).rejects.toMatchObject({
      name: 'ConsoleError',
      message: String.raw`vm1: console: "/login:/" did not come within 20 ms; the last it said: "Kernel panic\r\n"`,
      output: 'Kernel panic\r\n',
    });
    const waiting = console.waitFor('login:');
    const seen: string[] = [];
    const completed = new Promise<void>((resolve) => {
      console.output$.subscribe({ next: (text) => seen.push(text), complete: resolve });
    });
    guest.end('bye');
    await expect(waiting).rejects.toThrow(/before it ended; the last it said: "Kernel panic\\r\\nbye"$/);
    await completed;
    expect(seen.join('')).toBe('bye');
    await console.waitFor('bye');
    await expect(console.waitFor('login:')).rejects.toThrow('did not come before it ended');
    expect(() => {
      console.write('x');
    }).toThrow('vm1: console: has ended');
  });

  it('frees a wait whose signal aborts', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const waiting = console.waitFor('login:', { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(console.waitFor('login:', { signal: controller.signal })).rejects.toBe(reason);
  });

  it('keeps the latest 1 MiB, and is drained where nobody reads it (M5)', async () => {
    const found = console.waitFor('the end');
    for (let count = 0; count < 3 * 1024; count += 1) guest.write('x'.repeat(1023) + '\n');
    guest.write('the end');
    const { index } = await found;
    expect(index).toBe(1024 * 1024 - 'the end'.length);
  });

  it('does not take without a bound what the guest does not read', async () => {
    guest.pause();
    await expect(
      (async () => {
        for (;;) {
          console.write('x'.repeat(256 * 1024));
          await new Promise(setImmediate);
        }
      })(),
    ).rejects.toThrow(/the guest does not read it: \d+ characters wait already/);
  });
});

const SCRIPT = spawnSync('script', ['--version']).status === 0;
if (!SCRIPT) {
  process.stderr.write('SKIPPED, no script(1) of util-linux on this machine: a console in front of a shell\n');
}

(SCRIPT ? describe : describe.skip)('SerialConsole in front of a shell', () => {
  let shell: ChildProcess;
  let console: SerialConsole;

  beforeEach(() => {
    shell = spawn('sh', ['-c', "exec script -qc 'PS1=%% ENV= exec sh' /dev/null <&3 >&3"], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    console = new SerialConsole('vm1', shell.stdio[3] as Socket);
  });
  afterEach(async () => {
    const gone = once(shell, 'exit');
    console.write('exit\n');
    await gone;
    (shell.stdio[3] as Socket).destroy();
  });

  it('runs commands one after the other, and gives the code and the output of each (M5)', async () => {
    const results = await Promise.all([
      console.run('echo "it\'s"; echo two >&2'),
      console.run('printf "no line end"; exit 7'),
      console.run('for i in 1 2\ndo echo $i\ndone'),
      console.run('cat'),
      console.run('if then'),
    ]);
    expect(results.slice(0, 4)).toEqual([
      { code: 0, output: "it's\ntwo\n" },
      { code: 7, output: 'no line end' },
      { code: 0, output: '1\n2\n' },
      { code: 0, output: '' },
    ]);
    expect(results[4]).toEqual({ code: 2, output: expect.stringMatching(/syntax error/i) as string });
  });

  it('interrupts a command that takes too long, and runs the next one', async () => {
    await expect(console.run('sleep 60', { timeout: 300 })).rejects.toThrow(
      'the end of the command did not come within',
    );
    expect(await console.run('echo next')).toEqual({ code: 0, output: 'next\n' });
    const reason = new Error('enough');
    await expect(console.run('sleep 60', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('refuses what cannot be typed', async () => {
    await expect(console.run('')).rejects.toThrow(TypeError);
    await expect(console.run('echo \u0004')).rejects.toThrow('control characters');
    await expect(console.run('echo ' + 'x'.repeat(1000))).rejects.toThrow(/too long for a console by \d+ characters/);
  });
});

describeQemu('the console of a launched VM', () => {
  it('is its first serial port, from its first character on (M1, M5)', async () => {
    await using vm = await launch(['-machine', 'pc,graphics=off,accel=tcg', '-display', 'none', '-net', 'none'], {
      console: true,
      grace: 0,
    });
    expect(vm.console).toBeInstanceOf(SerialConsole);
    await vm.console.waitFor(/SeaBIOS \(version/);
    const waiting = vm.console.waitFor('login:');
    const [how] = await Promise.all([vm.stop(), expect(waiting).rejects.toThrow(/before it ended/)]);
    expect(how).toBe('quit');
  });
});
