import { readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { connectorsOf, describeDashboard, fakes, line, PAGE, see } from './dashboard-under-test.js';

const VISIBLE_LINES = `[...document.querySelectorAll('app-vm-list [role=listitem]')].filter((line) => {
  const list = line.closest('cdk-virtual-scroll-viewport').getBoundingClientRect();
  const { top, bottom } = line.getBoundingClientRect();
  return top >= list.top - 1 && bottom <= list.bottom + 1;
}).length`;

/** What is measured here is printed by the bench as well; here it must only work. */
describeDashboard('the dashboard in Chromium, with many VMs', (dashboard) => {
  async function open(count: number): Promise<Page> {
    await dashboard.serve(connectorsOf(fakes(count)));
    const begin = Date.now();
    const page = await dashboard.open();
    await see(line(page, 'build4'));
    writeSync(1, `dashboard: ${count} VMs: the list is there after ${Date.now() - begin} ms\n`);
    const counts = page.getByRole('list', { name: 'Virtual machines by run state' });
    await see(counts.getByRole('listitem').filter({ hasText: `${count} running` }));
    expect(dashboard.sockets).toEqual([expect.stringMatching(/\/events/) as string]);
    return page;
  }

  it('is at most 400,000 bytes, licences aside (P3)', () => {
    const files = readdirSync(PAGE).filter((name) => /\.(html|js|css)$/.test(name));
    const sizes = files.map((name) => statSync(join(PAGE, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(400_000);
  });

  it('shows at least 25 of 300 VMs at a time at 1440 by 900, over one WebSocket', async () => {
    const page = await open(300);
    expect(await page.evaluate(VISIBLE_LINES)).toBeGreaterThanOrEqual(25);
    expect(await page.evaluate('document.querySelectorAll("app-vm-list [role=listitem]").length')).toBeLessThan(100);
  });

  it('finds, sorts and groups 3,000', async () => {
    const page = await open(3_000);
    await page.getByLabel('Search virtual machines').fill('mail3000');
    await see(line(page, 'mail3000'));
    await see(page.getByText('1 of 3000'));
    await page.getByLabel('Search virtual machines').fill('');
    await page.getByRole('button', { name: 'Groups' }).click();
    await see(page.getByRole('heading', { name: 'build', exact: true }));
    await page.getByRole('button', { name: 'Groups' }).click();
    await page.evaluate("document.querySelector('app-vm-list cdk-virtual-scroll-viewport').scrollTop = 1e9");
    await see(line(page, 'web2996'));
  });
});
