import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeQemu, startQemu, type Qemu } from './support/qemu.js';
import { temporaryFolder } from './support/temporary-folder.js';

const run = promisify(execFile);
const root = join(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const chapter = readme.slice(readme.indexOf('## A first program'), readme.indexOf('## I want to'));
const blocks = [...chapter.matchAll(/```(sh|ts|)\n(.*?)```/gs)].map(([, kind = '', text = '']) => ({ kind, text }));
const [setUp = '', program = '', printed = ''] = blocks.map(({ text }) => text);

/** What somebody does who reads it and has nothing yet, with the packed package in the place of the published one. */
describeQemu('the first program of the README', () => {
  const folder = temporaryFolder();
  let qemu: Qemu;
  beforeAll(async () => {
    qemu = await startQemu();
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder.path], {
      cwd: root,
    });
    const [{ filename } = { filename: '' }] = JSON.parse(stdout) as { filename: string }[];
    const steps = setUp.split('\n').filter((line) => line.startsWith('npm '));
    expect(steps).toHaveLength(3);
    for (const step of steps) {
      const line = step
        .replace('install rx-qmp', `install ./${filename}`)
        .replace(/ install /, ' install --no-audit --no-fund --prefer-offline ');
      await run('bash', ['-ec', line], { cwd: folder.path });
    }
    // Its QEMU has a path that other programs of this machine may use, too.
    writeFileSync(join(folder.path, 'first.ts'), program.replace('unix:/tmp/vm1.qmp', qemu.address));
  }, 180_000);
  afterAll(async () => {
    await qemu.stop();
    folder.remove();
  });

  it('runs, and prints what is said there', async () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const takesTypes = major > 22 || (major === 22 && minor >= 18);
    const [command = '', ...args] = takesTypes
      ? ['node', 'first.ts']
      : ['npx', '--yes', '--prefer-offline', 'tsx', 'first.ts'];
    expect(chapter).toContain('`node first.ts`');
    expect(chapter).toContain('`npx tsx first.ts`');
    const { stdout, stderr } = await run(command, args, { cwd: folder.path });
    const withoutTimes = (text: string): string => text.replace(/\d{10}/g, 'TIME');
    expect(withoutTimes(stdout)).toBe(withoutTimes(printed));
    expect(stderr).toBe('');
  }, 120_000);

  it('passes a strict type check, with the types of Node, which come with the package', async () => {
    // As a wrong use shows: it would pass if these types were missing, and everything of them `any`.
    const wrong = "import { tcp } from 'rx-qmp/node';\ntcp('localhost', 1, { tls: { ca: 5 } });\nexport {};\n";
    writeFileSync(join(folder.path, 'wrong.ts'), wrong);
    const tsc = join(folder.path, 'node_modules', '.bin', 'tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
    const check = (file: string): Promise<{ stdout: string }> =>
      run(tsc, [...options, file], { cwd: folder.path }).catch((error: unknown) => error as { stdout: string });
    expect((await check('first.ts')).stdout).toBe('');
    expect((await check('wrong.ts')).stdout).toMatch(/^wrong\.ts\(2,.*error TS2322: Type 'number' is not assignable/);
  }, 120_000);
});
