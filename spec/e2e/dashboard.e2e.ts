import type { Page } from 'playwright-core';
import { firstValueFrom, take, toArray } from 'rxjs';
import { QmpClient, webSocket, type Connector } from 'rx-qmp';
import { unixSocket } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { WebSocket } from 'ws';
import { namesIn } from '../support/bus-events.js';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { launch } from './browser.js';
import {
  connectorsOf,
  describeDashboard,
  eventually,
  fakes,
  line,
  logged,
  OPERATOR,
  see,
  VIEWER,
} from './dashboard-under-test.js';

describeDashboard('the dashboard in Chromium', (dashboard) => {
  describeQemu('with a real QEMU', () => {
    let qemu: Qemu;
    /** The monitor of whichever QEMU it is at the moment. */
    const monitor: Connector = (signal) => unixSocket(qemu.path)(signal);

    beforeEach(async () => {
      qemu = await startQemu();
      await dashboard.serve({ vm1: monitor });
    });
    afterEach(() => qemu.stop());

    it('pauses and resumes the VM on its page, by click and by keyboard, and logs it', async () => {
      const page = await dashboard.open();
      await see(line(page, 'vm1').getByText('running'));
      await page.getByRole('link', { name: 'vm1', exact: true }).first().click();
      await page.getByRole('button', { name: 'Pause' }).first().click();
      await see(logged(page, 'STOP').first());
      await see(page.getByRole('status').getByText('paused'));

      await page.getByRole('button', { name: 'Resume' }).focus();
      await page.keyboard.press('Enter');
      await see(logged(page, 'RESUME').first());
      await see(page.getByRole('status').getByText('running'));
      await see(page.locator('app-audit').getByText('ann').first());
      await page.getByRole('link', { name: /All virtual machines/ }).click();
      await see(line(page, 'vm1').getByText('running'));
    });

    it('asks twice before it powers off, and then shows trouble until it is back', async () => {
      const page = await dashboard.open(OPERATOR, { path: '#/vm/vm1' });
      await page.getByRole('button', { name: 'Power off' }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Power off' }).click();
      await page.getByRole('button', { name: 'Power off vm1' }).click();
      await see(page.getByRole('status').getByText('gone'));
      await eventually(() => page.title(), '(1) trouble · vm1 · rx-qmp');

      await qemu.stop();
      qemu = await startQemu();
      await eventually(() => page.title(), 'vm1 · rx-qmp');
      await see(page.getByRole('status').getByText('running'));
      await see(logged(page, 'SHUTDOWN').first());
    });

    it('shows its block devices and memory, and runs any command that the token may run', async () => {
      const page = await dashboard.open(OPERATOR, { path: '#/vm/vm1' });
      await see(page.locator('app-memory').getByText('Base'));
      await page.getByLabel('Command').fill('query-name');
      await page.getByRole('button', { name: 'Run' }).click();
      await see(page.getByRole('region', { name: 'What it answered' }));
      await page.getByLabel('Command').fill('migrate');
      await page.getByLabel('Arguments as JSON').fill('{ "uri": "exec:true" }');
      await page.getByRole('button', { name: 'Run' }).click();
      await see(page.getByRole('alert').getByText(/may not run|not allow|migrate/));
    });

    it('is shared by two browsers and a Node client, each with its own replies and all events', async () => {
      const second = await launch();
      const client = new QmpClient(webSocket(`${dashboard.hub?.url ?? ''}/vms/vm1`, { token: OPERATOR, WebSocket }));
      try {
        const path = '#/vm/vm1';
        const [one, two] = await Promise.all([
          dashboard.open(OPERATOR, { path }),
          dashboard.open(OPERATOR, { on: second, path }),
          client.connect(),
        ]);
        await Promise.all([one, two].map((page) => see(page.getByRole('status').getByText('running'))));
        const events = firstValueFrom(client.observe(['STOP', 'RESUME']).pipe(take(2), toArray()));
        await one.getByRole('button', { name: 'Pause' }).first().click();
        await Promise.all([see(logged(one, 'STOP').first()), see(logged(two, 'STOP').first())]);
        expect(await client.execute('query-status')).toMatchObject({ status: 'paused' });
        await two.getByRole('button', { name: 'Resume' }).click();
        await Promise.all([see(logged(one, 'RESUME').first()), see(logged(two, 'RESUME').first())]);
        expect(namesIn(await events)).toEqual(['STOP', 'RESUME']);
      } finally {
        await Promise.all([client.close(), second.close()]);
      }
    });
  });

  it('keeps the token out of the address, and the tab knows it after a reload (P1)', async () => {
    await dashboard.serve({ vm1: new FakeQemu().connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1'));
    expect(await page.evaluate('location.href')).toBe(`${dashboard.hub?.url ?? ''}/#/`);
    await page.reload();
    await see(line(page, 'vm1'));
  });

  it('refuses a wrong token, says so, and takes the right one', async () => {
    await dashboard.serve({ vm1: new FakeQemu().connector });
    const page = await dashboard.open('a-wrong-token-0123456789');
    await see(page.getByText('the token is wrong'));
    expect(await page.getByRole('listitem').count()).toBe(0);
    await page.getByLabel('Token').fill(OPERATOR);
    await page.getByRole('button', { name: 'Connect' }).click();
    await see(line(page, 'vm1').getByText('running'));
  });

  it('shows a viewer what there is, says once why there is nothing to press', async () => {
    await dashboard.serve({ vm1: new FakeQemu().connector });
    const page = await dashboard.open(VIEWER, { path: '#/vm/vm1' });
    await see(page.getByRole('status').getByText('running'));
    expect(await page.getByText('may look, not touch').count()).toBe(1);
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(1); // that of the log
    expect(await page.locator('app-command-box, app-audit, app-screen').count()).toBe(0);
  });

  it('asks for a token again when it is revoked while the page is open', async () => {
    const hub = await dashboard.serve({ vm1: new FakeQemu().connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1'));
    hub.setTokens([{ role: 'operator', token: 'another-token-0123456789' }]);
    await see(page.getByText('the token is wrong'));
    await page.getByLabel('Token').fill('another-token-0123456789');
    await page.getByRole('button', { name: 'Connect' }).click();
    await see(line(page, 'vm1').getByText('running'));
  });

  it('says that the hub is away, keeps what it knows, and goes on when it is back', async () => {
    const qemu = new FakeQemu();
    const { port } = await dashboard.serve({ vm1: qemu.connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1'));
    await dashboard.hub?.close();
    await see(page.getByText('The hub is out of reach'));
    await see(line(page, 'vm1'));
    await dashboard.serve({ vm1: qemu.connector }, { port });
    await page.getByText('The hub is out of reach').waitFor({ state: 'hidden' });
    qemu.emit('STOP');
    await see(line(page, 'vm1').getByText('paused'));
  });

  it('has events from before it was opened, and those of each VM on its page', async () => {
    const qemus = fakes(2);
    await dashboard.serve(connectorsOf(qemus));
    const first = await dashboard.open();
    await see(line(first, 'db2').getByText('running'));
    qemus.get('web1')?.emit('STOP');
    qemus.get('db2')?.emit('WAKEUP');
    await see(logged(first, 'WAKEUP').first());

    const second = await dashboard.open();
    await see(logged(second, 'STOP').first());
    await see(logged(second, 'WAKEUP').first());
    await second.getByRole('link', { name: 'web1', exact: true }).first().click();
    await see(logged(second, 'STOP').first());
    expect(await logged(second, 'WAKEUP').count()).toBe(0);
  });

  it('shows in the timeline what a VM did before the page was opened', async () => {
    const qemu = new FakeQemu({ clock: Date });
    await dashboard.serve({ vm1: qemu.connector });
    const first = await dashboard.open();
    await see(line(first, 'vm1').getByText('running'));
    qemu.emit('STOP');
    await see(line(first, 'vm1').getByText('paused'));
    const second = await dashboard.open();
    await see(logged(second, 'STOP').first());
    // From the event on, not from when the page was opened.
    const paused = second.locator('app-timeline svg[data-vm="vm1"] rect.phase.paused');
    const stop = second.locator('app-timeline svg[data-vm="vm1"] path.state');
    await eventually(async () => {
      const [strip, bar] = await Promise.all([paused.first().boundingBox(), stop.boundingBox()]);
      return strip !== null && bar !== null && Math.abs(strip.x - bar.x) < 6;
    }, true);
  });

  it('says so where the past of a VM cannot be read', async () => {
    await dashboard.serve({ vm1: new FakeQemu().connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1').getByText('running'));
    await page.route('**/vms/vm1/events?*', (route) => route.fulfill({ status: 503, body: 'not now' }));
    await page.getByRole('link', { name: 'vm1', exact: true }).first().click();
    await see(page.getByText(/could not be read: .*the hub answers 503 not now/));
  });

  it('shows how far a job is; a failed one is trouble until somebody acknowledges it', async () => {
    const qemu = new FakeQemu();
    await dashboard.serve({ vm1: qemu.connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1').getByText('running'));
    const job = qemu.jobs.start('copy', 'backup');
    job.progress(25, 100);
    await see(line(page, 'vm1').getByText('25 % of 100 B'));
    job.progress(75, 100);
    await see(line(page, 'vm1').getByText('75 % of 100 B'));
    job.finish('No space left on device');

    await see(page.getByRole('button', { name: /Acknowledge: vm1, job copy failed/ }));
    await eventually(() => page.title(), '(1) trouble · rx-qmp');
    expect(await page.evaluate('decodeURIComponent(document.querySelector("link[rel=icon]").href)')).toContain(
      '#e5342b',
    );
    await page.getByRole('button', { name: /Acknowledge: vm1/ }).click();
    await eventually(() => page.title(), 'rx-qmp');
    await page.reload();
    await see(line(page, 'vm1'));
    expect(await page.title()).toBe('rx-qmp');
  });

  it('puts a panicked guest first and red, and leaves a paused one where it is', async () => {
    const qemus = fakes(30);
    await dashboard.serve(connectorsOf(qemus));
    const page = await dashboard.open();
    await see(line(page, 'web1').getByText('running'));
    qemus.get('mail25')?.emit('GUEST_PANICKED', { action: 'pause' });
    qemus.get('build4')?.emit('STOP');
    await see(page.getByRole('button', { name: 'Acknowledge: mail25, guest panicked' }));
    expect(await page.locator('app-vm-list').getByRole('listitem').first().innerText()).toMatch(
      /mail25\s+guest-panicked/,
    );
    await see(page.getByRole('list', { name: 'Virtual machines by run state' }).getByText('guest-panicked'));
    await see(page.getByRole('button', { name: '1 trouble' }));
  });

  it('filters the log by VM, name, kind and text, pauses, and keeps the filter in a link', async () => {
    const qemus = fakes(2);
    await dashboard.serve(connectorsOf(qemus));
    const page = await dashboard.open();
    await see(line(page, 'db2').getByText('running'));
    qemus.get('web1')?.emit('STOP');
    qemus.get('db2')?.emit('STOP');
    qemus.get('db2')?.emit('POWERDOWN');
    qemus.get('db2')?.emit('NIC_RX_FILTER_CHANGED', { name: 'nic7', path: '/net' });
    const rows = page.locator('app-event-log').getByRole('listitem');
    await see(rows.nth(3));

    await page.getByLabel('Show events whose name contains').fill('stop');
    expect(await rows.count()).toBe(2);
    await page.getByLabel('Show events of VMs whose name contains').fill('db');
    expect(await rows.allInnerTexts()).toEqual([expect.stringMatching(/db2\s+STOP/) as string]);
    const link = await page.evaluate<string>('location.href');
    expect(link).toMatch(/#\/\?vm=db&name=stop$/);

    const other = await dashboard.open(OPERATOR, { path: new URL(link).hash });
    await see(other.locator('app-event-log').getByRole('listitem').first());
    expect(await other.locator('app-event-log').getByRole('listitem').count()).toBe(1);

    await page.getByLabel('Show events whose name contains').fill('');
    await page.getByLabel('Show events whose data contains').fill('nic7');
    expect(await rows.allInnerTexts()).toEqual([expect.stringMatching(/NIC_RX_FILTER_CHANGED/) as string]);
    await page.getByLabel('Show events whose data contains').fill('nothing like it');
    await page.getByRole('button', { name: 'Show everything' }).click();
    await page.getByLabel('Show kinds').selectOption('run state');
    expect(await rows.count()).toBe(3);
    await page.getByLabel('Show kinds').selectOption('');

    await page.getByRole('button', { name: 'Pause' }).click();
    qemus.get('db2')?.emit('WAKEUP');
    await see(page.getByText('1 more entry has come in'));
    expect(await logged(page, 'WAKEUP').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await see(logged(page, 'WAKEUP').first());
    await page.getByRole('button', { name: 'NIC_RX_FILTER_CHANGED' }).click();
    await see(page.getByRole('region', { name: 'The chosen event' }).getByText('"name": "nic7"'));
  });

  it('copies what the log shows as JSON lines', async () => {
    const qemu = new FakeQemu();
    await dashboard.serve({ vm1: qemu.connector });
    const page = await dashboard.open(OPERATOR, { permissions: ['clipboard-read', 'clipboard-write'] });
    await see(line(page, 'vm1').getByText('running'));
    qemu.emit('STOP');
    await see(logged(page, 'STOP').first());
    await page.getByRole('button', { name: 'Copy' }).click();
    await see(page.getByText('1 entries are in the clipboard'));
    const text = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(JSON.parse(text)).toMatchObject({ vm: 'vm1', event: 'STOP' });
  });

  it('picks a time in the timeline with the mouse', async () => {
    const qemu = new FakeQemu({ clock: Date });
    await dashboard.serve({ vm1: qemu.connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1').getByText('running'));
    qemu.emit('STOP');
    await see(logged(page, 'STOP').first());
    const row = page.locator('app-timeline svg[data-vm="vm1"]');
    const box = await row.boundingBox();
    if (!box) throw new Error('the timeline has no row');
    const drag = async (from: number, to: number): Promise<void> => {
      await page.mouse.move(box.x + from * box.width, box.y + 8);
      await page.mouse.down();
      await page.mouse.move(box.x + to * box.width, box.y + 8, { steps: 4 });
      await page.mouse.up();
    };
    await drag(0.1, 0.5);
    await see(page.getByText('Nothing matches the filter'));
    await drag(0.5, 1);
    await see(logged(page, 'STOP').first());
    await page.getByRole('button', { name: 'Show any time' }).click();
    await eventually(() => page.evaluate('location.hash'), '#/');
  });

  it('stays responsive through a burst of 2,000 events', async () => {
    const qemu = new FakeQemu();
    await dashboard.serve({ vm1: qemu.connector });
    const page = await dashboard.open();
    await see(line(page, 'vm1').getByText('running'));
    await watchMainThread(page);
    for (let count = 0; count < 2_000; count += 1) {
      qemu.emit('NIC_RX_FILTER_CHANGED', { name: `n${count}`, path: '/net' });
    }
    await see(logged(page, 'NIC_RX_FILTER_CHANGED').filter({ hasText: 'name=n1999' }));
    expect(await page.evaluate('window.longest')).toBeLessThan(1_000);
    qemu.emit('STOP');
    await see(line(page, 'vm1').getByText('paused'));
  });
});

/** How long the page keeps a timer waiting, which is how long it would keep a click waiting. */
async function watchMainThread(page: Page): Promise<void> {
  await page.evaluate(`{
    let last = performance.now();
    window.longest = 0;
    setInterval(() => {
      window.longest = Math.max(window.longest, performance.now() - last);
      last = performance.now();
    }, 10);
  }`);
}
