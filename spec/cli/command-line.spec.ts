import { rxQmp } from '../support/cli.js';

describe('rx-qmp', () => {
  it('lists its commands', async () => {
    const { code, stdout, stderr } = await rxQmp('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: rx-qmp .*\n {2}watch .*\n {2}exec .*Examples:/s);
  });

  it('prints its help without a command, as a usage error', async () => {
    expect(await rxQmp()).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: rx-qmp') as string });
  });

  it('says what a command takes, asked in either way', async () => {
    const help = await rxQmp('help', 'watch');
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/Usage: rx-qmp watch .*--where/s) as string });
    expect(await rxQmp('watch', '--help')).toEqual(help);
  });

  it('suggests the command that was meant', async () => {
    expect(await rxQmp('wacth', 'unix:/run/vm1.qmp')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/unknown command 'wacth'\n\(Did you mean watch\?\)/) as string,
    });
  });

  it('suggests the option that was meant', async () => {
    expect(await rxQmp('watch', '--evnet', 'STOP', 'unix:/run/vm1.qmp')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(Did you mean --event?)') as string,
    });
  });

  it('suggests unix: before a bare path', async () => {
    expect(await rxQmp('watch', '/run/vm1.qmp')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean unix:/run/vm1.qmp?') as string,
    });
  });
});
