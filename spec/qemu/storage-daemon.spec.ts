import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exit, socketAt } from '../support/qemu.js';
import { describeWith } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { preparePackage, runProgram } from '../support/user-program.js';

const DAEMON = { program: 'qemu-storage-daemon', package: 'qemu-utils', variable: 'RX_QMP_REQUIRE_QEMU' };
const page = readFileSync(join(__dirname, '../../docs/attach.md'), 'utf8');
const chapter = page.split('## qemu-storage-daemon\n')[1] ?? '';
const [, command = ''] = /```sh\nqemu-storage-daemon (.*)\n```/.exec(chapter) ?? [];
const [, program = ''] = /```ts\n(.*?)```/s.exec(chapter) ?? [];

describeWith([DAEMON], 'the program of docs/attach.md for qemu-storage-daemon', () => {
  const folder = temporaryFolder();
  const here = (text: string): string => text.replaceAll('/run/', `${folder.path}/`);
  let daemon: ChildProcess;
  let gone: Promise<string>;
  beforeAll(async () => {
    daemon = spawn(DAEMON.program, here(command).split(' '), { stdio: 'ignore' });
    gone = exit(daemon);
    preparePackage(folder.path);
    await socketAt(join(folder.path, 'storage.qmp'), AbortSignal.timeout(30_000));
  });
  afterAll(async () => {
    daemon.kill();
    await gone;
    folder.remove();
  });

  it('makes a disk and exports it, on a real one', async () => {
    const printed = await runProgram(folder.path, here(program));
    expect(printed).toMatch(/^new created\nnew running\n(.*\n)*new null\n/);
    expect(printed).toContain("id: 'export'");
    expect(existsSync(join(folder.path, 'disk.img'))).toBe(true);
  });
});
