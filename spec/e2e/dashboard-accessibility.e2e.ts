import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { FakeQemu } from 'rx-qmp/testing';
import { connectorsOf, describeDashboard, fakes, line, logged, OPERATOR, see, VIEWER } from './dashboard-under-test.js';

describeDashboard('the dashboard for everybody', (dashboard) => {
  /** What axe finds, in a line each. */
  async function findings(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  }

  async function trouble(page: Page, qemus: ReadonlyMap<string, FakeQemu>): Promise<void> {
    await see(line(page, 'web1').getByText('running'));
    qemus.get('web1')?.emit('GUEST_PANICKED', { action: 'pause' });
    qemus.get('db2')?.emit('STOP');
    qemus.get('cache3')?.jobs.start('copy', 'backup').progress(25, 100);
    await see(page.getByRole('button', { name: /Acknowledge: web1/ }));
  }

  it.each(['light', 'dark'] as const)('has nothing that axe finds, in %s', async (colorScheme) => {
    const qemus = fakes(30);
    await dashboard.serve(connectorsOf(qemus));
    const page = await dashboard.open(OPERATOR, { colorScheme });
    await trouble(page, qemus);
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Groups' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'GUEST_PANICKED' }).click();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('link', { name: 'web1', exact: true }).first().click();
    await page.getByRole('button', { name: 'Power off' }).click();
    await see(page.locator('app-memory').getByText('Base'));
    expect(await findings(page)).toEqual([]);
  });

  it.each([
    { what: 'no VM', count: 0 },
    { what: '2 VMs', count: 2 },
    { what: '300 VMs', count: 300 },
  ])('has nothing that axe finds with $what', async ({ count }) => {
    await dashboard.serve(connectorsOf(fakes(count)));
    const page = await dashboard.open();
    if (count === 0) await see(page.getByText('The hub has no VM'));
    else await see(page.locator('app-vm-list').getByText('running').first());
    expect(await findings(page)).toEqual([]);
  });

  it('has nothing that axe finds for a viewer, with a wrong token, and while the hub is away', async () => {
    await dashboard.serve({ vm1: new FakeQemu().connector });
    const viewer = await dashboard.open(VIEWER);
    await see(line(viewer, 'vm1').getByText('running'));
    expect(await findings(viewer)).toEqual([]);
    const stranger = await dashboard.open('a-wrong-token-0123456789');
    await see(stranger.getByText('the token is wrong'));
    expect(await findings(stranger)).toEqual([]);
    await dashboard.hub?.close();
    await see(viewer.getByText('The hub is out of reach'));
    expect(await findings(viewer)).toEqual([]);
  });

  it.each([
    { width: 320, height: 640 },
    { width: 768, height: 1024 },
    { width: 3840, height: 2160 },
  ])('fits $width by $height without scrolling sideways', async (viewport) => {
    const qemus = fakes(30);
    await dashboard.serve(connectorsOf(qemus));
    const page = await dashboard.open(OPERATOR, { viewport });
    await trouble(page, qemus);
    const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overhang)).toBe(0);
    await page.goto(`${dashboard.hub?.url ?? ''}/#/vm/web1`);
    await see(page.locator('app-memory').getByText('Base'));
    expect(await page.evaluate(overhang)).toBe(0);
  });

  it('is used with the keyboard alone', async () => {
    const qemus = fakes(3);
    await dashboard.serve(connectorsOf(qemus));
    const page = await dashboard.open();
    await see(line(page, 'web1').getByText('running'));
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.getByRole('link', { name: 'cache3', exact: true }).first().focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('db2');
    await page.keyboard.press('Enter');
    await see(page.getByRole('heading', { name: 'db2' }));
    await page.getByRole('button', { name: 'Pause' }).first().focus();
    await page.keyboard.press('Enter');
    await see(logged(page, 'STOP').first());
  });
});
