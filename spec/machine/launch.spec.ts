import { chmodSync, closeSync, openSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { LaunchError, launch, type LaunchOptions, type Machine } from 'rx-qmp/node';
import { describeQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A QEMU that is up in no time. */
const SMALL = ['-machine', 'none', '-nodefaults', '-display', 'none'];

async function failure(args: string[], options: LaunchOptions = {}): Promise<LaunchError> {
  const error: unknown = await launch(args, options).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(LaunchError);
  return error as LaunchError;
}

describeQemu('launch', () => {
  let vm: Machine | undefined;
  afterEach(async () => {
    await vm?.stop({ grace: 0 });
    vm = undefined;
  });

  it('resolves with a client that is connected, over a monitor that nobody else can reach (M1)', async () => {
    vm = await launch(SMALL, { name: 'vm1' });
    expect(vm.client.name).toBe('vm1');
    expect(await vm.client.execute('query-status')).toMatchObject({ running: true });
    expect(await vm.client.execute('query-chardev')).toEqual([
      expect.objectContaining({ label: 'rx-qmp-monitor', filename: expect.stringMatching(/^unix/) as string }),
    ]);
  });

  it("rejects with QEMU's own words for an option it does not know (M2)", async () => {
    const error = await failure([...SMALL, '-nonsense']);
    expect(error).toMatchObject({
      code: 1,
      signal: null,
      stderr: expect.stringContaining('-nonsense: invalid option') as string,
    });
    expect(error.message).toMatch(/^qemu-system-\w+ ended with exit code 1 .*-nonsense: invalid option$/);
  });

  it("rejects with QEMU's own words for a file that is missing, and for one that another QEMU has locked (M2)", async () => {
    const folder = temporaryFolder();
    const disk = join(folder.path, 'disk.img');
    const drive = ['-blockdev', `driver=file,node-name=d,filename=${disk}`];
    expect((await failure([...SMALL, ...drive])).message).toContain('No such file or directory');
    writeFileSync(disk, Buffer.alloc(1024 * 1024));
    const device = [
      '-machine',
      'pc',
      '-nodefaults',
      '-display',
      'none',
      '-S',
      ...drive,
      '-device',
      'virtio-blk,drive=d',
    ];
    vm = await launch(device);
    expect((await failure(device)).message).toContain('Failed to get "write" lock');
    folder.remove();
  });

  it('gives descriptors to QEMU: in fd sets, and under a number of their own (M7)', async () => {
    const folder = temporaryFolder();
    const [plain, second, placed] = ['a', 'b', 'c'].map((name) => {
      const path = join(folder.path, name);
      writeFileSync(path, name.repeat(512));
      return path;
    }) as [string, string, string];
    const fd = openSync(plain, 'r+');
    const file = await open(second, 'r');
    const other = openSync(placed, 'r');
    vm = await launch([...SMALL, '-blockdev', 'driver=file,node-name=d,filename=/dev/fdset/1'], {
      fds: [fd, { fd: other, at: 20 }, file],
    });
    const sets = await vm.client.execute('query-fdsets');
    expect(sets.map((set) => set['fdset-id']).sort()).toEqual([1, 2]);
    expect(await vm.client.execute('query-named-block-nodes')).toMatchObject([{ image: { 'virtual-size': 512 } }]);
    closeSync(fd);
    closeSync(other);
    await file.close();
    folder.remove();
  });

  it('leaves nothing running when it is aborted, and rejects with the reason', async () => {
    const reason = new Error('enough');
    await expect(launch(SMALL, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const folder = temporaryFolder();
    const binary = join(folder.path, 'says-nothing');
    writeFileSync(binary, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const launching = launch([], { binary, signal: controller.signal });
    setImmediate(() => {
      controller.abort(reason);
    });
    await expect(launching).rejects.toBe(reason);
    folder.remove();
  });
});

describe('launch', () => {
  const folder = temporaryFolder();
  afterAll(() => {
    folder.remove();
  });

  /** A program that stands in for QEMU; its monitor is descriptor 3. */
  function program(name: string, text: string): string {
    const path = join(folder.path, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }
  beforeEach(() => {
    jest.spyOn(console, 'warn').mockImplementation();
  });
  const greet = `echo '{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":0},"package":""},"capabilities":[]}}' >&3`;

  it('says that a binary is not there, or is no program (M2)', async () => {
    expect((await failure([], { binary: '/nonexistent/qemu' })).message).toMatch(
      /^cannot start \/nonexistent\/qemu: there is no such program; is QEMU installed, and on PATH\?/,
    );
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    expect((await failure([], { binary: file })).message).toMatch(/that file cannot be executed/);
  });

  it.each([
    ['at once', 'echo no memory >&2; exit 3', 3],
    ['after half a greeting', `printf '{"QMP"' >&3; echo no memory >&2; exit 4`, 4],
    ['after its greeting', `${greet}; echo no memory >&2; exit 5`, 5],
    ['instead of an answer', `${greet}; read line <&3; echo no memory >&2; exit 6`, 6],
  ])('says what QEMU said that dies %s (M2)', async (when, text, code) => {
    const error = await failure([], { binary: program(when.replaceAll(' ', '-'), text) });
    expect(error).toMatchObject({ code, signal: null, stderr: 'no memory' });
    expect(error.message).toMatch(new RegExp(`exit code ${code} before its monitor took commands: no memory$`));
  });

  it('says which signal ended QEMU (M2)', async () => {
    const error = await failure([], { binary: program('crash', 'kill -SEGV $$') });
    expect(error).toMatchObject({ code: null, signal: 'SIGSEGV' });
    expect(error.message).toContain('ended by SIGSEGV before its monitor took commands: it said nothing');
  });

  it('ends a QEMU that does not greet within connectTimeout', async () => {
    const error = await failure([], { binary: program('silent', 'exec sleep 60'), connectTimeout: 200 });
    expect(error).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(error.message).toContain('not greeted within 200 ms');
  });

  it('refuses what cannot be right (M2, M7)', async () => {
    await expect(launch(['-daemonize'])).rejects.toThrow(/^args has -daemonize/);
    await expect(launch(['--daemonize'])).rejects.toThrow(TypeError);
    await expect(launch('-m 64' as never)).rejects.toThrow(/^args must be/);
    await expect(launch([], { binary: '' })).rejects.toThrow(/^binary must be/);
    await expect(launch([], { fds: [-1] })).rejects.toThrow(/^fds must hold/);
    await expect(launch([], { fds: [{ fd: 1, at: 9 }] })).rejects.toThrow(RangeError);
    await expect(
      launch([], {
        fds: [
          { fd: 1, at: 12 },
          { fd: 1, at: 12 },
        ],
      }),
    ).rejects.toThrow('two of fds have the number 12');
    await expect(launch([], { grace: -1 })).rejects.toThrow(/^grace must be/);
  });

  it('says so when a descriptor is closed already (M7)', async () => {
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    await expect(launch([], { fds: [fd] })).rejects.toThrow(`fds must hold open descriptors; ${fd} is not one`);
    const file = await open('/dev/null');
    await file.close();
    await expect(launch([], { fds: [file] })).rejects.toThrow('fds must hold open descriptors; -1 is not one');
  });
});
