import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { firstValueFrom, take, toArray } from 'rxjs';
import { QmpClient, webSocket, type Connector } from 'rx-qmp';
import { createHub, unixSocket, type Hub } from 'rx-qmp/node';
import { WebSocket } from 'ws';
import { FakeQemu } from '../../src/testing/fake-qemu.js';
import { namesIn } from '../support/bus-events.js';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { describeBrowser, launch } from './browser.js';
import { startDashboard, type DashboardProcess } from './dashboard-process.js';

const OPERATOR = 'operators-token-0123456789';
const VIEWER = 'viewers-token-0123456789';
const TOKENS = [
  { role: 'operator', token: OPERATOR },
  { role: 'viewer', token: VIEWER },
] as const;

/** Building the page takes its time where nobody did it before. */
const BUILD_TIMEOUT = 180_000;

describeBrowser('the dashboard in Chromium', () => {
  let dashboard: DashboardProcess;
  let browser: Browser;
  const running: { stop(): Promise<unknown> }[] = [];
  let hub: Hub | undefined;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    dashboard = await startDashboard('--hub', 'http://127.0.0.1:1');
    running.push(dashboard);
    browser = await launch();
    running.push({ stop: () => browser.close() });
  }, BUILD_TIMEOUT);
  afterAll(async () => {
    await Promise.all(running.map((one) => one.stop()));
  });
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    await hub?.close();
    hub = undefined;
  });

  async function serve(vms: Record<string, Connector | string>): Promise<Hub> {
    hub = await createHub({ vms, port: 0, tokens: TOKENS, allow: ['stop', 'cont'] });
    return hub;
  }

  /** A page in a profile of its own, at the hub. */
  async function open(token: string, { on = browser, page = dashboard.page } = {}): Promise<Page> {
    const context = await on.newContext();
    contexts.push(context);
    const tab = await context.newPage();
    await tab.goto(`${page}#${new URLSearchParams({ hub: hub?.url ?? '', token }).toString()}`);
    return tab;
  }

  describeQemu('with a real QEMU', () => {
    let qemu: Qemu;
    /** The monitor of whichever QEMU it is at the moment. */
    const monitor: Connector = (signal) => unixSocket(qemu.path)(signal);

    beforeEach(async () => {
      qemu = await startQemu();
      await serve({ vm1: monitor });
    });
    afterEach(() => qemu.stop());

    it('stops the VM at a click, logs STOP and shows the new state; the same by keyboard', async () => {
      const page = await open(OPERATOR);
      await see(chip(page, 'running'));
      await page.getByRole('button', { name: 'Stop vm1' }).click();
      await see(logged(page, 'STOP'));
      await see(chip(page, 'paused'));

      const go = page.getByRole('button', { name: 'Continue vm1' });
      await go.focus();
      await page.keyboard.press('Enter');
      await see(logged(page, 'RESUME'));
      await see(chip(page, 'running'));
      expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Continue vm1');
      expect(await page.evaluate('location.href')).toBe(dashboard.page);
    });

    it('shows a gap when the QEMU is killed, and goes on when it is back', async () => {
      const page = await open(OPERATOR);
      await see(chip(page, 'running'));
      await qemu.kill();
      await see(chip(page, 'gone'));
      await see(logged(page, 'gap begins'));

      qemu = await startQemu();
      await see(logged(page, 'gap ends'));
      await see(page.locator('svg[data-vm="vm1"] rect.gap'));
      await see(page.getByRole('img', { name: /^vm1.*1 gap/ }));
      await see(chip(page, 'running'));
      await page.getByRole('button', { name: 'Stop vm1' }).click();
      await see(logged(page, 'STOP'));
      await see(chip(page, 'paused'));
    });

    it('is shared by two browsers and a Node client, each with its own replies and all events', async () => {
      const second = await launch();
      const client = new QmpClient(webSocket(`${hub?.url ?? ''}/vms/vm1`, { token: OPERATOR, WebSocket }));
      try {
        const [one, two] = await Promise.all([open(OPERATOR), open(OPERATOR, { on: second }), client.connect()]);
        await Promise.all([see(chip(one, 'running')), see(chip(two, 'running'))]);
        const events = firstValueFrom(client.observe(['STOP', 'RESUME']).pipe(take(2), toArray()));

        await one.getByRole('button', { name: 'Stop vm1' }).click();
        await Promise.all([see(logged(one, 'STOP')), see(logged(two, 'STOP')), see(chip(two, 'paused'))]);
        expect(await client.execute('query-status')).toMatchObject({ status: 'paused' });
        await two.getByRole('button', { name: 'Continue vm1' }).click();
        await Promise.all([see(logged(one, 'RESUME')), see(logged(two, 'RESUME')), see(chip(one, 'running'))]);
        expect(namesIn(await events)).toEqual(['STOP', 'RESUME']);

        const replies = await Promise.all([
          client.execute('query-version'),
          client.execute('query-name'),
          client.execute('query-status'),
        ]);
        expect(replies).toMatchObject([{ qemu: { major: expect.any(Number) as number } }, {}, { status: 'running' }]);
      } finally {
        await Promise.all([client.close(), second.close()]);
      }
    });

    it('refuses a wrong token, says so, and takes the right one', async () => {
      const page = await open('a-wrong-token-0123456789');
      await see(page.getByText('does not let this page in'));
      expect(await page.getByRole('listitem').count()).toBe(0);
      await page.getByLabel('Token').fill(OPERATOR);
      await page.getByRole('button', { name: 'Connect' }).click();
      await see(chip(page, 'running'));
    });

    it('refuses a page of another origin, with the right token too', async () => {
      const page = await open(OPERATOR, { page: dashboard.page.replace('127.0.0.1', 'elsewhere.test') });
      await see(page.getByText('does not let this page in'));
      await see(page.getByText('--origin http://elsewhere.test'));
    });
  });

  it('shows a viewer why there is nothing to click', async () => {
    await serve({ vm1: new FakeQemu().connector });
    const page = await open(VIEWER);
    await see(chip(page, 'running'));
    await see(page.getByText('may look, not touch'));
    expect(await page.getByRole('button', { name: 'Stop vm1' }).count()).toBe(0);
  });

  it('shows how far a job is, and its end', async () => {
    const qemu = new FakeQemu();
    await serve({ vm1: qemu.connector });
    const page = await open(OPERATOR);
    await see(chip(page, 'running'));
    const job = qemu.jobs.start('copy', 'backup');
    job.progress(25, 100);
    await see(page.getByRole('progressbar', { name: 'copy' }));
    await see(page.getByText('25 % of 100 B'));
    job.progress(75, 100);
    await see(page.getByText('75 % of 100 B'));
    job.finish();
    await see(page.getByText('finished'));
  });

  it('filters by name and VM, pauses and clears', async () => {
    const qemus = { vm1: new FakeQemu(), vm2: new FakeQemu() };
    await serve({ vm1: qemus.vm1.connector, vm2: qemus.vm2.connector });
    const page = await open(OPERATOR);
    await see(chip(page, 'running').nth(1));
    qemus.vm1.emit('STOP');
    qemus.vm2.emit('STOP');
    qemus.vm2.emit('POWERDOWN');
    const rows = page.locator('tbody tr');
    await see(rows.nth(2));

    await page.getByLabel('Show events whose name contains').fill('stop');
    expect(await rows.allInnerTexts()).toMatchObject(
      [/STOP/, /STOP/].map((text) => expect.stringMatching(text) as string),
    );
    await page.getByRole('combobox', { name: 'Show events of' }).selectOption('vm2');
    expect(await rows.allInnerTexts()).toEqual([expect.stringMatching(/vm2\s+STOP/) as string]);
    await page.getByLabel('Show events whose name contains').fill('');

    await page.getByRole('button', { name: 'Pause' }).click();
    qemus.vm2.emit('WAKEUP');
    await see(page.getByText('1 more entry has come in'));
    expect(await logged(page, 'WAKEUP').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await see(logged(page, 'WAKEUP'));
    await page.getByRole('button', { name: 'Clear' }).click();
    await see(page.getByText('Nothing matches the filter'));
    expect(await rows.count()).toBe(0);
  });

  it('stays responsive through a burst of 2,000 events', async () => {
    const qemu = new FakeQemu();
    await serve({ vm1: qemu.connector });
    const page = await open(OPERATOR);
    await see(chip(page, 'running'));
    // How long the page keeps a timer waiting, which is how long it would keep a click waiting.
    await page.evaluate(`{
      let last = performance.now();
      window.longest = 0;
      setInterval(() => {
        window.longest = Math.max(window.longest, performance.now() - last);
        last = performance.now();
      }, 10);
    }`);
    for (let count = 0; count < 2_000; count += 1) {
      qemu.emit('NIC_RX_FILTER_CHANGED', { name: `n${count}`, path: '/net' });
    }
    await see(page.getByText('2000 events', { exact: true }));
    await see(page.getByText('name=n1999'));
    expect(await page.evaluate('window.longest')).toBeLessThan(1_000);
    expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(100);
    qemu.emit('STOP');
    await see(chip(page, 'paused'));
  });
});

describeBrowser('npm run dashboard', () => {
  it(
    'prints an address that opens on two running VMs, and ends with Ctrl+C',
    async () => {
      const dashboard = await startDashboard('--hub-port', '0');
      const browser = await launch();
      let code: number;
      try {
        const page = await browser.newPage();
        await page.goto(dashboard.url);
        await see(page.getByRole('heading', { name: 'vm1' }));
        await see(page.getByRole('heading', { name: 'vm2' }));
        await see(page.getByText('2 / 2'));
        await page.getByRole('button', { name: 'Stop vm1' }).click();
        await see(page.getByRole('row', { name: /vm1 STOP/ }));
      } finally {
        await browser.close();
        code = await dashboard.stop();
      }
      expect(code).toBe(0);
    },
    BUILD_TIMEOUT,
  );
});

function chip(page: Page, state: string): Locator {
  return page.getByRole('article').getByRole('status').getByText(state, { exact: true });
}

function logged(page: Page, event: string): Locator {
  return page.getByRole('cell', { name: event, exact: true }).first();
}

function see(what: Locator): Promise<void> {
  return what.waitFor({ state: 'visible', timeout: 10_000 });
}
