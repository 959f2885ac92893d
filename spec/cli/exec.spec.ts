import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { rxQmp } from '../support/cli.js';

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
    [1, ['exec', 'unix:/no/such.sock', 'stop'], /no such socket; is QEMU running/],
    [1, ['exec', 'tcp:127.0.0.1:1', 'stop'], /nobody listens there/],
    [2, ['exec', 'nowhere', 'stop'], /address must be unix:PATH, tcp:HOST:PORT/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', 'five'], /'five' is neither key=value nor a JSON object/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', '{"a":'], /no JSON object/],
    [2, ['exec', 'unix:/no/such.sock', 'stop', '--timeout', 'soon'], /must be a number of seconds/],
    [2, ['exec'], /missing required argument 'address'/],
  ])('ends with %i, and says what is wrong with %j', async (exitCode, args, message) => {
    const { code, stdout, stderr } = await rxQmp(...args);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
