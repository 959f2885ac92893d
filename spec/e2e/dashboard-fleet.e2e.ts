import { FleetUnderTest, stored } from '../nats/fleet-under-test.js';
import { Cli } from '../support/cli.js';
import { describeNats } from '../support/nats.js';
import { describeQemu, startQemu } from '../support/qemu.js';
import { describeDashboard, line, logged, see } from './dashboard-under-test.js';

describeNats('the dashboard of a fleet', () => {
  describeQemu('of real QEMUs', () => {
    describeDashboard('in Chromium', (dashboard) => {
      let fleet: FleetUnderTest;

      beforeEach(async () => {
        fleet = await new FleetUnderTest().start();
      });
      afterEach(() => fleet.end());

      it('has the VMs of two hosts in one page, their past, and the buttons of each', async () => {
        const [one, two] = await Promise.all([startQemu(), startQemu()]);
        fleet.later(() => Promise.all([one.stop(), two.stop()]).then(() => undefined));
        const first = await fleet.agent('h1', { vms: { vm1: one.address }, allow: ['stop', 'cont'] });
        const second = await fleet.agent('h2', { vms: { vm2: two.address }, allow: ['stop', 'cont'] });
        const before = (await fleet.client()).client('h1/vm1');
        await before.connect();
        await before.execute('stop');
        await before.close();
        // The mark of the session, and STOP.
        await stored(first, 2);

        const cli = new Cli(['dashboard', '--nats', `nats://127.0.0.1:${fleet.server.port}`, '--no-open']);
        fleet.later(async () => {
          cli.process.kill('SIGINT');
          await cli.ended();
        });
        await cli.until('stdout', /dashboard: \S+\n/);
        const [, url = ''] = /dashboard: (\S+)\n/.exec(cli.stdout) ?? [];
        const page = await dashboard.openUrl(url);
        await see(line(page, 'h1/vm1').getByText('paused'));
        await see(line(page, 'h2/vm2').getByText('running'));
        await page.getByRole('button', { name: 'Groups' }).click();
        await see(page.getByRole('heading', { name: 'h2', exact: true }));

        await page.getByRole('link', { name: 'h1/vm1', exact: true }).first().click();
        await see(logged(page, 'STOP').first());
        await page.getByRole('button', { name: 'Resume' }).click();
        await see(page.getByRole('status').getByText('running'));
        await see(logged(page, 'RESUME').first());

        await page.getByRole('link', { name: /All virtual machines/ }).click();
        await second.close();
        await see(line(page, 'h2/vm2').getByText('unknown'));
        await see(line(page, 'h1/vm1').getByText('running'));
      });
    });
  });
});
