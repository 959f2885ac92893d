import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Cli, rxQmp } from '../support/cli.js';
import { describeWith, QEMU_GA } from '../support/programs.js';
import { exit, socketAt } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describeWith([QEMU_GA], 'rx-qmp guest', () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'qga');
  const address = `unix:${path}`;
  let agent: ChildProcess;

  beforeAll(async () => {
    const args = ['-m', 'unix-listen', '-p', path, '-t', folder.path, '-f', join(folder.path, 'pid')];
    agent = spawn('qemu-ga', args, { stdio: 'ignore' });
    await socketAt(path, AbortSignal.timeout(10_000));
  });
  afterAll(async () => {
    const gone = exit(agent);
    agent.kill();
    await gone;
    folder.remove();
  });

  it('tells of the guest', async () => {
    const { code, stdout, stderr } = await rxQmp('guest', address, 'info');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ hostName: hostname() });
    expect(await rxQmp('guest', address, 'addresses')).toMatchObject({ code: 0, stderr: '' });
  });

  it('runs a program, with its options, its output and its exit code', async () => {
    expect(await rxQmp('guest', address, 'exec', '--', 'sh', '-c', 'echo "a  b"; echo oops >&2; exit 3')).toEqual({
      code: 3,
      stdout: 'a  b\n',
      stderr: 'oops\n',
    });
    expect(await rxQmp('guest', address, 'exec', '--', 'sh', '-c', 'kill -9 $$')).toMatchObject({ code: 137 });
    const cli = new Cli(['guest', address, '-i', 'exec', '--', 'tr', 'a-z', 'A-Z']);
    cli.process.stdin.end('größe\n');
    expect(await cli.ended()).toMatchObject({ code: 0, stdout: 'GRößE\n' });
  });

  it('writes and reads files, bytes as they are', async () => {
    const file = join(folder.path, 'file');
    const cli = new Cli(['guest', address, 'put', file]);
    cli.process.stdin.end(Buffer.of(0, 255, 27, 10));
    expect(await cli.ended()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect([...readFileSync(file)]).toEqual([0, 255, 27, 10]);
    writeFileSync(file, 'größe\n');
    expect(await rxQmp('guest', address, 'cat', file)).toEqual({ code: 0, stdout: 'größe\n', stderr: '' });
  });

  it('says what is wrong, with exit code 1, and with 2 for what cannot be meant', async () => {
    expect(await rxQmp('guest', address, 'cat', join(folder.path, 'none'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No such file or directory') as string,
    });
    expect(await rxQmp('guest', address, 'exec')).toMatchObject({ code: 2, stderr: 'rx-qmp: exec lacks a program\n' });
    expect(await rxQmp('guest', address, 'dance')).toMatchObject({
      code: 2,
      stderr: "rx-qmp: action must be one of info, addresses, exec, cat, put, not 'dance'\n",
    });
    expect(await rxQmp('guest', 'libvirt:a/b', 'info')).toMatchObject({ code: 2 });
  });
});
