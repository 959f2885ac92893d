import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import type { Connector } from 'rx-qmp';
import { createHub, type Hub, type HubOptions } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { describeBrowser, launch } from './browser.js';

export const OPERATOR = 'operators-token-0123456789';
export const VIEWER = 'viewers-token-0123456789';
export const ALLOW = ['stop', 'cont', 'system_reset', 'system_powerdown', 'quit', 'job-cancel', 'job-dismiss'];
/** Made by `npm run build:dashboard`. */
export const PAGE = join(__dirname, '../../dist/dashboard');

const SOME = ['web', 'db', 'cache', 'build', 'mail'];

/** So many FakeQemus by name: web1, db2, cache3, build4, mail5, web6 … */
export function fakes(count: number): Map<string, FakeQemu> {
  return new Map(Array.from({ length: count }, (_, i) => [`${SOME[i % SOME.length] ?? ''}${i + 1}`, fake()]));
}

function fake(): FakeQemu {
  return new FakeQemu().on('query-memory-size-summary', { 'base-memory': 4 * 1024 ** 3 }).on('query-blockstats', []);
}

export function connectorsOf(qemus: ReadonlyMap<string, FakeQemu>): Record<string, Connector> {
  return Object.fromEntries([...qemus].map(([name, { connector }]) => [name, connector]));
}

/** A hub that serves the page, and the pages looking at it. */
export class DashboardUnderTest {
  browser: Browser | undefined;
  readonly #contexts: BrowserContext[] = [];
  hub: Hub | undefined;
  /** What the browser complained of, in any page: a violated policy among it. */
  readonly complaints: string[] = [];
  /** The addresses of all WebSockets that any page has opened. */
  readonly sockets: string[] = [];

  async serve(vms: Record<string, Connector | string>, options: HubOptions = {}): Promise<Hub> {
    this.hub = await createHub({
      vms,
      port: 0,
      tokens: [
        { role: 'operator', token: OPERATOR, name: 'ann', screen: true },
        { role: 'viewer', token: VIEWER, name: 'vic' },
      ],
      allow: ALLOW,
      dashboard: PAGE,
      ...options,
    });
    return this.hub;
  }

  /** A page of its hub, in a profile of its own. */
  async open(
    token: string = OPERATOR,
    { path = '', ...look }: { on?: Browser; path?: string } & Parameters<Browser['newContext']>[0] = {},
  ): Promise<Page> {
    const page = await this.openUrl(`${this.hub?.url ?? ''}/#token=${token}`, look);
    if (path !== '') await page.goto(`${this.hub?.url ?? ''}/${path}`);
    return page;
  }

  /** The page of any hub. */
  async openUrl(
    url: string,
    { on = this.browser, ...look }: { on?: Browser } & Parameters<Browser['newContext']>[0] = {},
  ): Promise<Page> {
    if (!on) throw new Error('there is no browser yet');
    const context = await on.newContext({ viewport: { width: 1440, height: 900 }, ...look });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('websocket', (socket) => this.sockets.push(socket.url()));
    page.on('console', (message) => {
      // Chromium logs each refused request by itself.
      if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
    await page.goto(url);
    return page;
  }

  async close(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
    await this.hub?.close();
    this.hub = undefined;
    this.sockets.length = 0;
  }
}

/** `describe` for what needs the dashboard in a Chromium: one for all tests, with a hub of its own for each. */
export function describeDashboard(name: string, fn: (dashboard: DashboardUnderTest) => void): void {
  describeBrowser(name, () => {
    const dashboard = new DashboardUnderTest();

    beforeAll(async () => {
      dashboard.browser = await launch();
    });
    afterAll(() => dashboard.browser?.close());
    afterEach(async () => {
      await dashboard.close();
      expect(dashboard.complaints.splice(0)).toEqual([]);
    });

    fn(dashboard);
  });
}

/** The line of a VM in the list. */
export function line(page: Page, name: string): Locator {
  return page
    .locator('app-vm-list')
    .getByRole('listitem')
    .filter({ has: page.getByRole('link', { name, exact: true }) });
}

/** Lines of the log with an event of this name. */
export function logged(page: Page, name: string): Locator {
  return page
    .locator('app-event-log')
    .getByRole('listitem')
    .filter({ has: page.getByText(name, { exact: true }) });
}

export function see(what: Locator): Promise<void> {
  return what.waitFor({ state: 'visible', timeout: 20_000 });
}

/** Waits until the page gives that answer. A string in `waitForFunction` would need what the page's policy forbids. */
export async function eventually<T>(ask: () => Promise<T>, expected: T): Promise<void> {
  const deadline = Date.now() + 10_000;
  let answer = await ask();
  while (answer !== expected && Date.now() < deadline) answer = await ask();
  expect(answer).toBe(expected);
}
