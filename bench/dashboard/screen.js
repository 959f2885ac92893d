import { TOKEN } from './token.js';

/** The dashboard in a tab of its own, 1440 by 900. */
export class Screen {
  /** @param {import('playwright-core').Page} page @param {import('playwright-core').CDPSession} tools @param {number} first */
  constructor(page, tools, first) {
    this.page = page;
    this.tools = tools;
    /** Milliseconds from the address to the first line of the list. */
    this.first = first;
  }

  /** @param {import('playwright-core').Browser} browser @param {string} url */
  static async open(browser, url) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const tools = await context.newCDPSession(page);
    await tools.send('Performance.enable');
    const begin = performance.now();
    await page.goto(`${url}/#token=${TOKEN}`, { waitUntil: 'commit' });
    await page.locator('app-vm-list [role=listitem]').first().waitFor();
    return new Screen(page, tools, performance.now() - begin);
  }

  /** The part of the time in which the main thread works, while something is done. @param {() => Promise<unknown>} work */
  async busyWhile(work) {
    const before = await this.#metrics();
    await work();
    const after = await this.#metrics();
    return (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
  }

  /** Frames a second of an empty page, and of this one while the wheel turns. @param {number} seconds */
  async framesWhileScrolling(seconds) {
    const empty = await this.page.context().newPage();
    const most = await empty.evaluate(frames, seconds);
    await empty.close();
    await this.page.bringToFront();
    await this.page.locator('app-vm-list [role=listitem]').first().hover();
    const counted = this.page.evaluate(frames, seconds);
    for (let turn = 0; turn < seconds * 20; turn += 1) {
      await this.page.mouse.wheel(0, turn % 60 < 30 ? 100 : -100);
      await this.page.waitForTimeout(40);
    }
    return [most, await counted];
  }

  /** Resolves when the line of a VM has this text, with the time. @param {string} vm @param {string} text */
  shows(vm, text) {
    return this.page.evaluate(
      ([vm, text]) =>
        new Promise((resolve) => {
          const look = () => {
            const lines = [...document.querySelectorAll('app-vm-list [role=listitem]')];
            const line = lines.find((one) => one.querySelector('a')?.textContent.trim() === vm);
            if (line?.textContent.includes(text)) resolve(Date.now());
            else setTimeout(look, 5);
          };
          look();
        }),
      [vm, text],
    );
  }

  /** Bytes alive, after a collection. */
  async heap() {
    await this.page.waitForTimeout(1_000);
    await this.tools.send('HeapProfiler.collectGarbage');
    return (await this.#metrics()).JSHeapUsedSize;
  }

  async close() {
    await this.page.context().close();
  }

  async #metrics() {
    const { metrics } = await this.tools.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  }
}

/** Runs in the page. @param {number} seconds @returns {Promise<number>} */
function frames(seconds) {
  return new Promise((resolve) => {
    let count = 0;
    const begin = performance.now();
    const next = () => {
      count += 1;
      const spent = (performance.now() - begin) / 1000;
      if (spent < seconds) requestAnimationFrame(next);
      else resolve(count / spent);
    };
    requestAnimationFrame(next);
  });
}
