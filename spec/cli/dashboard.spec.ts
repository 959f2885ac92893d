import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cli, rxQmp } from '../support/cli.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** What it serves is tried in spec/e2e, where the page is built. */
describe('rx-qmp dashboard', () => {
  const folder = temporaryFolder();

  afterAll(() => {
    folder.remove();
  });

  it('opens the page of a hub that runs already, and stays until Ctrl-C', async () => {
    const opened = join(folder.path, 'opened');
    writeFileSync(join(folder.path, 'xdg-open'), `#!/bin/sh\necho "$1" > ${opened}\n`, { mode: 0o755 });
    const cli = new Cli(['dashboard', '--hub', 'wss://hub.example'], {
      RX_QMP_TOKEN: 'a-token-0123456789',
      PATH: `${folder.path}:${process.env['PATH'] ?? ''}`,
    });
    await cli.until('stdout', /dashboard: https:\/\/hub\.example\/#token=a-token-0123456789\n/);
    while (!existsSync(opened) || statSync(opened).size === 0) await new Promise(setImmediate);
    const file = readFileSync(opened, 'utf8').trim();
    expect(readFileSync(file, 'utf8')).toContain('url=https://hub.example/#token=a-token-0123456789');
    expect(cli.process.kill('SIGINT')).toBe(true);
    expect((await cli.ended()).code).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    {
      args: [],
      message: /no VMs: name some, a folder of sockets with --dir, a fleet with --nats, or a hub with --hub/,
    },
    { args: ['unix:/a', '--hub', 'http://b'], message: /--hub shows the VMs of that hub/ },
    { args: ['vm1'], message: /It must be ADDRESS or NAME=ADDRESS/ },
    { args: ['unix:/a/vm1.qmp', 'unix:/b/vm1.sock'], message: /There are two VMs named vm1/ },
  ])('exits with 2 for $args', async ({ args, message }) => {
    const { code, stderr } = await rxQmp('dashboard', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
