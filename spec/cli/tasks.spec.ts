import { readFileSync } from 'node:fs';
import { Cli, rxQmp } from '../support/cli.js';
import { connect } from 'rx-qmp/node';
import { describeQemu, spawnQemu, type Qemu } from '../support/qemu.js';

describeQemu('rx-qmp shutdown, screenshot, type, jobs, migrate', () => {
  let qemu: Qemu;
  beforeAll(async () => {
    const machine = ['-machine', 'pc,accel=tcg', '-m', '32', '-nodefaults', '-display', 'none', '-vga', 'std'];
    qemu = await spawnQemu(machine);
  });
  afterAll(() => qemu.stop());

  it('write the screen as PNG', async () => {
    const file = `${qemu.folder}/screen.png`;
    expect(await rxQmp('screenshot', qemu.address, file)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(file).subarray(1, 4).toString()).toBe('PNG');
  });

  it('type a text, and say what cannot be typed', async () => {
    expect(await rxQmp('type', qemu.address, 'ls -l', '--enter')).toMatchObject({ code: 0, stderr: '' });
    expect(await rxQmp('type', qemu.address, '--keys', 'ctrl-alt-delete')).toMatchObject({ code: 0, stderr: '' });
    expect(await rxQmp('type', qemu.address, 'é')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no key for character 1') as string,
    });
  });

  it('list jobs', async () => {
    expect(await rxQmp('jobs', qemu.address)).toEqual({ code: 0, stdout: '', stderr: '' });
    const options = ['options.driver=file', `options.filename=${qemu.folder}/a.img`, 'options.size=65536'];
    await rxQmp('exec', qemu.address, 'blockdev-create', 'job-id=one', ...options);
    expect(JSON.parse((await rxQmp('jobs', qemu.address)).stdout)).toMatchObject({ id: 'one', type: 'create' });
    const followed = await rxQmp('jobs', qemu.address, '--follow');
    expect(followed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^one concluded \d+\/\d+\n$/) as string });
  });

  it('follow a job until it is over', async () => {
    const client = await connect(qemu.address);
    for (const name of ['source', 'target']) {
      await client.execute('blockdev-add', { driver: 'null-co', 'node-name': name, size: 8_388_608 });
    }
    const job = { 'job-id': 'copy', device: 'source', target: 'target', sync: 'full', speed: 4_194_304 } as const;
    await client.execute('blockdev-backup', job);
    await client.close();
    const { code, stdout } = await rxQmp('jobs', qemu.address, '--follow');
    const lines = stdout.trim().split('\n');
    const copy = lines.filter((line) => line.startsWith('copy '));
    expect({ code, first: copy[0], last: copy.at(-1) }).toMatchObject({
      code: 0,
      first: expect.stringMatching(/^copy running \d+\/8388608$/) as string,
      last: expect.stringMatching(/^copy over \d+\/8388608$/) as string,
    });
  });

  it('cancel a migration on Ctrl-C', async () => {
    const client = await connect(qemu.address);
    await client.execute('migrate-set-parameters', { 'max-bandwidth': 100_000 });
    await client.close();
    const cli = new Cli(['migrate', qemu.address, 'exec:cat >/dev/null']);
    await cli.until('stdout', /memory active/);
    cli.process.kill('SIGINT');
    const stderr = 'cancelled: the VM runs on where it is\n';
    expect(await cli.ended()).toMatchObject({ code: 130, stderr });
    const after = await connect(qemu.address);
    expect(await after.execute('query-migrate')).toMatchObject({ status: 'cancelled' });
    await after.execute('migrate-set-parameters', { 'max-bandwidth': 1_073_741_824 });
    await after.close();
  });

  it('migrate, in plain lines, and fail with the words of QEMU', async () => {
    const failed = await rxQmp('migrate', qemu.address, 'unix:/no/such/socket');
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('No such file or directory') as string });
    const { code, stdout } = await rxQmp('migrate', qemu.address, 'exec:cat >/dev/null');
    expect({ code, last: stdout.trim().split('\n').at(-1) }).toMatchObject({
      code: 0,
      last: expect.stringMatching(/^memory completed (\d+)\/\1$/) as string,
    });
  });

  it('shut down', async () => {
    expect(await rxQmp('shutdown', qemu.address, '--grace', '0.2', '--no-quit')).toMatchObject({ code: 1, stdout: '' });
    expect(await rxQmp('shutdown', qemu.address, '--grace', '0.2')).toEqual({ code: 0, stdout: 'quit\n', stderr: '' });
  });
});
