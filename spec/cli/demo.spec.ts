import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { connect } from 'rx-qmp/node';
import { Cli, inBash, rxQmp, type Run } from '../support/cli.js';
import { describeQemu, startQemu } from '../support/qemu.js';

/** What the demo shows, whatever it is shown on. */
function expectStory({ code, stdout, stderr }: Run): void {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/STOP at .*\n {2}RESUME at .*\n {2}closed: 0 listeners left/);
  expect(stdout).toContain('one has 2 unread, two read its own: 0 unread');
  expect(stdout).toMatch(/"status":"created".*\n(.*\n)*.*"status":"concluded"/);
  expect(stdout).toMatch(/\n {2}\d+ µs\n/);
  expect(stdout).toMatch(/cleared (\d+) unread, still \1 in the history/);
}

describeQemu('rx-qmp demo', () => {
  it('starts a real QEMU if one is installed, and says so', async () => {
    const run = await rxQmp('demo');
    expect(run.stdout).toMatch(/^On a real QEMU, started for it \(.*qemu-system-\w+\): QEMU \d+/);
    expectStory(run);
    expect(run.stdout).toMatch(/SHUTDOWN {"guest":false,"reason":"host-qmp-quit"}\n {2}the connection is closed/);
  });

  it('leaves a VM of yours as it was', async () => {
    const qemu = await startQemu();
    const run = await rxQmp('demo', qemu.address);
    expectStory(run);
    expect(run.stdout).toContain('It is your VM: quit is not sent');
    const client = await connect(qemu.address);
    expect(await client.execute('query-status')).toMatchObject({ running: true });
    expect(await client.execute('query-jobs')).toEqual([]);
    await client.close();
    await qemu.stop();
  });

  it('does not continue a VM of yours that is paused', async () => {
    const qemu = await startQemu(['-S']);
    const { code, stderr } = await rxQmp('demo', qemu.address);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('the VM does not run') as string });
    await qemu.stop();
  });
});

describeQemu('the QEMU of rx-qmp demo', () => {
  it('is gone when the reader of the demo has gone, as in `| head`', async () => {
    const mark = randomUUID();
    expect(await inBash('rx-qmp demo | head -1', { RX_QMP_TEST: mark })).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^On a real QEMU.*\n$/) as string,
      stderr: '',
    });
    expect(marked(mark)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('is gone after %s', async (signal) => {
    const mark = randomUUID();
    const cli = new Cli(['demo'], { RX_QMP_TEST: mark });
    await cli.until('stdout', /scoped listener/);
    cli.process.kill(signal);
    await cli.ended();
    while (marked(mark).length > 0) await setImmediate();
  });
});

/** The processes that have this mark in their environment. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'utf8').includes(mark);
    } catch {
      return false; // It ended meanwhile.
    }
  });
}

describe('rx-qmp demo', () => {
  it('shows the same on a simulated QEMU where none is installed, and says so', async () => {
    const run = await new Cli(['demo'], { PATH: '/nonexistent' }).ended();
    expect(run.stdout).toMatch(/^On a simulated QEMU, since none is installed: QEMU \d+/);
    expectStory(run);
    expect(run.stdout).toMatch(/SHUTDOWN {"guest":false,"reason":"host-qmp-quit"}\n {2}the connection is closed/);
  });

  it.each([
    { FORCE_COLOR: '1', coloured: true },
    { FORCE_COLOR: '0', coloured: false },
  ])('is coloured in a pipe where FORCE_COLOR says so: $FORCE_COLOR', async ({ FORCE_COLOR, coloured }) => {
    const { code, stdout } = await new Cli(['demo'], { PATH: '/nonexistent', FORCE_COLOR }).ended();
    expect({ code, coloured: stdout.includes('\u001b[1m') }).toEqual({ code: 0, coloured });
  });
});
