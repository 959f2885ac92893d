import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporary-folder.js';
import { preparePackage, runProgram } from '../support/user-program.js';
import { describeGuest } from './guest-files.js';
import { kernelArguments } from './start-guest.js';

jest.setTimeout(120_000);

describeGuest('the fifteen lines of docs/launch.md', () => {
  const folder = temporaryFolder();
  afterAll(() => {
    folder.remove();
  });

  it('launch a guest, run a command in it, take a screenshot, unplug a disk and shut it down', async () => {
    const page = readFileSync(join(__dirname, '../../docs/launch.md'), 'utf8');
    const [, program = ''] = /## A VM in fifteen lines\n\n```ts\n(.*?)```/s.exec(page) ?? [];
    expect(program.split('\n').filter((line) => line !== '' && !line.startsWith('import '))).toHaveLength(8);
    expect(program).toContain("'guest.qcow2'");
    // The guest of the tests is a kernel and its initial file system, instead of a disk.
    const guest = kernelArguments().map((word) => JSON.stringify(word));
    preparePackage(folder.path);
    writeFileSync(join(folder.path, 'data.img'), Buffer.alloc(1024 * 1024));
    expect(await runProgram(folder.path, program.replace("'guest.qcow2'", guest.join(', ')))).toBe('Linux\n\nguest\n');
    expect(readFileSync(join(folder.path, 'screen.png')).subarray(1, 4).toString()).toBe('PNG');
  });
});
