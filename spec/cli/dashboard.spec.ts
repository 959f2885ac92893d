import { Cli, rxQmp } from '../support/cli.js';

/** What it serves is tried in spec/e2e, where the page is built. */
describe('rx-qmp dashboard', () => {
  it('prints the address of a hub that runs already', async () => {
    const cli = new Cli(['dashboard', '--hub', 'wss://hub.example', '--no-open'], {
      RX_QMP_TOKEN: 'a-token-0123456789',
    });
    await cli.until('stdout', /dashboard: https:\/\/hub\.example\/#token=a-token-0123456789\n/);
    cli.process.kill('SIGINT');
    expect((await cli.ended()).code).toBe(0);
  });

  it.each([
    { args: [], message: /no VMs: name some, a folder of sockets with --dir, or a hub with --hub/ },
    { args: ['unix:/a', '--hub', 'http://b'], message: /--hub shows the VMs of that hub/ },
    { args: ['vm1'], message: /It must be ADDRESS or NAME=ADDRESS/ },
    { args: ['unix:/a/vm1.qmp', 'unix:/b/vm1.sock'], message: /There are two VMs named vm1/ },
  ])('exits with 2 for $args', async ({ args, message }) => {
    const { code, stderr } = await rxQmp('dashboard', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
