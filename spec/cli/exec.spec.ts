import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { Cli, inBash, rxQmp } from '../support/cli.js';

describeQemu('rx-qmp exec', () => {
  let qemu: Qemu;
  beforeAll(async () => {
    qemu = await startQemu();
  });
  afterAll(() => qemu.stop());

  it('prints the result as JSON', async () => {
    const { code, stdout, stderr } = await rxQmp('exec', qemu.address, 'query-status');
    expect(JSON.parse(stdout)).toMatchObject({ running: true, status: 'running' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('takes key=value with levels, and JSON', async () => {
    const file = `${qemu.path}.img`;
    const created = await rxQmp(
      'exec',
      qemu.address,
      'blockdev-create',
      'job-id=one',
      'options.driver=file',
      `options.filename=${file}`,
      'options.size=1048576',
    );
    expect(created).toMatchObject({ code: 0, stdout: '{}\n' });
    expect(JSON.parse((await rxQmp('exec', qemu.address, 'query-jobs')).stdout)).toMatchObject([{ id: 'one' }]);
    expect(await rxQmp('exec', qemu.address, 'job-dismiss', '{"id": "one"}')).toMatchObject({ code: 0 });
  });

  it('sends an error of QEMU to stderr, with exit code 1', async () => {
    expect(await rxQmp('exec', qemu.address, 'no-such-command')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'CommandNotFound: The command no-such-command has not been found\n',
    });
  });

  it.each([
    [['query-stauts'], /^CommandNotFound: .*; did you mean query-status( or query-stats)?\?\n$/],
    [['job-dismiss', 'id=one', 'idd=one'], /^GenericError: Parameter 'idd' is unexpected; did you mean id\?\n$/],
  ])('asks QEMU what may have been meant by %j', async (words, message) => {
    const { code, stderr } = await rxQmp('exec', qemu.address, ...words);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('prints a text as it is with --raw', async () => {
    const words = ['exec', qemu.address, 'human-monitor-command', 'command-line=info status'];
    expect(await rxQmp(...words)).toMatchObject({ stdout: '"VM status: running\\r\\n"\n' });
    expect(await rxQmp(...words, '--raw')).toMatchObject({ stdout: 'VM status: running\n' });
  });

  it('reads the arguments from stdin', async () => {
    const run = new Cli(['exec', qemu.address, 'human-monitor-command', '--raw', '-']);
    run.process.stdin.end('{\n  "command-line": "info status"\n}\n');
    expect(await run.ended()).toEqual({ code: 0, stdout: 'VM status: running\n', stderr: '' });
  });

  it('reads whole commands from stdin, and stops at the first that fails', async () => {
    const run = new Cli(['exec', qemu.address, '-']);
    run.process.stdin.end('{"execute": "stop"} {"execute":\n"cont"}\n{"execute": "fly"} {"execute": "quit"}');
    expect(await run.ended()).toMatchObject({
      code: 1,
      stdout: '{}\n{}\n',
      stderr: expect.stringContaining('CommandNotFound: The command fly') as string,
    });
    expect(await rxQmp('exec', qemu.address, 'query-status')).toMatchObject({ code: 0 });
  });

  it('ends quietly when its reader has gone, as in `| head`', async () => {
    const { stdout, stderr } = await inBash(`rx-qmp exec ${qemu.address} query-qmp-schema | head -1`);
    expect({ stdout, stderr }).toEqual({ stdout: '[\n', stderr: '' });
  });

  it('says that the output cannot be written', async () => {
    expect(await inBash(`rx-qmp exec ${qemu.address} query-status >/dev/full`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ENOSPC') as string,
    });
  });

  it.each([
    [1, ['exec', 'unix:/no/such.sock', 'stop'], /no such socket; is QEMU running/],
    [1, ['exec', 'tcp:127.0.0.1:1', 'stop'], /nobody listens there/],
    [2, ['exec', 'nowhere', 'stop'], /address must be unix:PATH, tcp:HOST:PORT/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', 'five'], /'five' is neither key=value nor a JSON object/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', '{"a":'], /not a JSON object/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', '--timeout', 'soon'], /must be a number of seconds/],
    [2, ['exec', 'unix:/no/such.sock', '-', 'id=one'], /stdin holds its arguments/],
    [2, ['exec', 'unix:/no/such.sock', '-'], /stdin holds no whole command/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', '-'], /stdin must hold the arguments/],
    [2, ['exec'], /missing required argument 'address'/],
  ])('ends with %i, and says what is wrong with %j', async (exitCode, args, message) => {
    const { code, stdout, stderr } = await rxQmp(...args);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
