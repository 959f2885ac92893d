import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { QmpClient, webSocket } from 'rx-qmp';
import { createHub, type Hub } from 'rx-qmp/node';
import { WebSocket } from 'ws';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { describeBrowser, launch } from './browser.js';

const OPERATOR = 'operators-token-0123456789';
const VIEWER = 'viewers-token-0123456789';
/** Frames of each kind that the flooders have sent when it ends. */
const FLOOD = 10_000;

/** What a page of somebody's own does with the built package. */
const PAGE = `
  import { QmpClient, webSocket } from './dist/index.js';
  const token = ${JSON.stringify(OPERATOR)};
  const client = new QmpClient(webSocket(location.origin.replace(/^http/, 'ws') + '/vms/vm1', { token }));
  const [events, phases] = [[], []];
  client.events$.subscribe(({ event }) => events.push(event));
  client.state$.subscribe(({ phase }) => phases.push(phase));
  globalThis.qmp = { client, events, phases };
  void client.connect();
`;

interface InPage {
  readonly qmp: { readonly client: QmpClient; readonly events: string[]; readonly phases: string[] };
}

describeBrowser('a hub that is being flooded', () => {
  describeQemu('with a real QEMU', () => {
    let qemu: Qemu;
    let hub: Hub;
    let folder: ReturnType<typeof temporaryFolder>;
    const browsers: Browser[] = [];
    const flooders: ChildProcess[] = [];

    beforeEach(async () => {
      folder = temporaryFolder();
      qemu = await startQemu();
      const { outputFiles } = buildSync({
        ...{ stdin: { contents: PAGE, resolveDir: join(__dirname, '../..') }, tsconfigRaw: {} },
        ...{ bundle: true, format: 'iife', platform: 'browser', write: false },
      });
      writeFileSync(join(folder.path, 'page.js'), outputFiles[0]?.contents ?? '');
      writeFileSync(
        join(folder.path, 'index.html'),
        '<!doctype html><title>qmp</title><script src="page.js"></script>',
      );
      hub = await createHub({
        vms: { vm1: qemu.address },
        port: 0,
        tokens: [
          { role: 'operator', token: OPERATOR },
          { role: 'viewer', token: VIEWER },
        ],
        allow: ['stop', 'cont'],
        dashboard: folder.path,
      });
      while (hub.vms[0]?.state !== 'ready') await new Promise(setImmediate);
    });
    afterEach(async () => {
      for (const flooder of flooders.splice(0)) flooder.kill('SIGKILL');
      await Promise.all(browsers.splice(0).map((browser) => browser.close()));
      await hub.close();
      await qemu.stop();
      folder.remove();
    });

    /** A browser of its own, connected. */
    async function open(): Promise<Page> {
      const browser = await launch();
      browsers.push(browser);
      const page = await browser.newPage();
      await page.goto(hub.url);
      await page.evaluate(() => (globalThis as unknown as InPage).qmp.client.connect().then(() => undefined));
      return page;
    }

    /** A process with ten viewers that send nothing but this. */
    async function flood(kind: 'refused' | 'queries' | 'pings'): Promise<() => Promise<number>> {
      const input = { url: `${hub.url}/vms/vm1`, token: VIEWER, count: 10, kind };
      const child = fork(join(__dirname, '../../bench/hub/flood.js'), [JSON.stringify(input)]);
      flooders.push(child);
      await once(child, 'message');
      return async () => {
        const answer = once(child, 'message') as Promise<[{ readonly sent: number }]>;
        child.send({});
        return (await answer)[0].sent;
      };
    }

    function run(page: Page, command: 'stop' | 'cont' | 'query-status'): Promise<unknown> {
      return page.evaluate((name) => (globalThis as unknown as InPage).qmp.client.execute(name), command);
    }

    it('two browsers and a Node client notice nothing: no event lost, no command refused, nobody disconnected (H5)', async () => {
      const client = new QmpClient(webSocket(`${hub.url}/vms/vm1`, { token: OPERATOR, WebSocket }));
      const [events, phases]: string[][] = [[], []];
      client.events$.subscribe(({ event }) => events?.push(event));
      client.state$.subscribe(({ phase }) => phases?.push(phase));
      const [one, two] = [await open(), await open()];
      await client.connect();
      const sent = await Promise.all([flood('refused'), flood('queries'), flood('pings')]);
      const expected: string[] = [];
      const enough = async (): Promise<boolean> =>
        (await Promise.all(sent.map((ask) => ask()))).every((n) => n >= FLOOD);
      for (let round = 0; round < 5 || !(await enough()); round += 1) {
        await client.execute('stop');
        expect(await run(one, 'query-status')).toMatchObject({ status: 'paused' });
        await run(two, 'cont');
        expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
        expected.push('STOP', 'RESUME');
      }
      expect({ events, phases }).toEqual({ events: expected, phases: ['idle', 'connecting', 'negotiating', 'ready'] });
      for (const page of [one, two]) {
        // What it has been sent before the answer to a command has come before it.
        await run(page, 'query-status');
        const seen = await page.evaluate(() => {
          const { qmp } = globalThis as unknown as InPage;
          return { events: qmp.events, phases: qmp.phases };
        });
        expect(seen).toEqual({ events: expected, phases: ['idle', 'connecting', 'negotiating', 'ready'] });
      }
      await client.close();
    });
  });
});
