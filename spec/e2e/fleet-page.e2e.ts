import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { natsConfig } from '../../src/fleet/agent/nats-config.js';
import { agent, inboxPrefix, operator, viewer } from '../../src/fleet/agent/permissions.js';
import { FleetUnderTest } from '../nats/fleet-under-test.js';
import { describeNats, freePort } from '../support/nats.js';
import { describeQemu, startQemu } from '../support/qemu.js';
import { describeBrowser, launch } from './browser.js';

const RIGHTS = { agent: agent('agent', 'h1'), ann: viewer('ann'), bob: operator('bob', ['stop', 'cont']) };

/** What a page does with the built package, of `dist`. */
const SCRIPT = `
  import { wsconnect } from '@nats-io/nats-core';
  import { filter, firstValueFrom } from 'rxjs';
  import { FleetClient } from 'rx-qmp/fleet';
  const once = (source, wanted) => firstValueFrom(source.pipe(filter(wanted)));
  globalThis.open = async (servers, user) => {
    const nats = await wsconnect({ servers, user, pass: user, inboxPrefix: '_INBOX_' + user, reconnect: false });
    globalThis.fleet = new FleetClient(nats);
    return once(fleet.vms$, ([vm]) => vm?.state === 'ready');
  };
  globalThis.listen = async () => {
    globalThis.vm = fleet.client('h1/vm1');
    globalThis.heard = once(fleet.events$({ names: ['STOP'] }), () => true);
    await vm.connect();
  };
`;

describeNats('a page over the WebSocket of NATS', () => {
  describeQemu('to a real QEMU', () => {
    describeBrowser('in Chromium', () => {
      let browser: Browser;
      let fleet: FleetUnderTest;
      let pages: Server;
      let port: number;
      let webSocket: string;

      beforeAll(async () => {
        browser = await launch();
      });
      afterAll(() => browser.close());

      beforeEach(async () => {
        const { outputFiles } = await build({
          stdin: { contents: SCRIPT, resolveDir: join(__dirname, '../..') },
          // Not the project's own, whose paths lead to the sources.
          tsconfigRaw: {},
          ...{ bundle: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent' },
        });
        const script = outputFiles[0]?.text ?? '';
        pages = createServer((request, response) => {
          const isScript = request.url === '/page.js';
          response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
          response.end(isScript ? script : '<!doctype html><script type="module" src="page.js"></script>');
        }).listen(0, '127.0.0.1');
        await once(pages, 'listening');
        ({ port } = pages.address() as AddressInfo);
        const webSocketPort = await freePort();
        webSocket = `ws://127.0.0.1:${webSocketPort}`;
        const users = Object.entries(RIGHTS).map(([name, permissions]) => ({
          ...{ name, secret: { password: name }, permissions },
        }));
        fleet = await new FleetUnderTest().start((natsPort, folder) =>
          natsConfig({
            ...{ users, listen: `127.0.0.1:${natsPort}`, storeDir: `${folder}/js` },
            webSocket: { listen: `127.0.0.1:${webSocketPort}`, origins: [`http://127.0.0.1:${port}`] },
          }),
        );
        const qemu = await startQemu();
        fleet.later(() => qemu.stop());
        await fleet.agent('h1', { nats: await as('agent'), vms: { vm1: qemu.address }, allow: ['stop', 'cont'] });
      });

      afterEach(async () => {
        await fleet.end();
        pages.closeAllConnections();
        pages.close();
      });

      const as = (name: string): ReturnType<FleetUnderTest['connect']> =>
        fleet.connect({ user: name, pass: name, inboxPrefix: inboxPrefix(name) });

      async function open(host: string): Promise<Page> {
        const page = await browser.newPage();
        fleet.later(() => page.close());
        await page.goto(`http://${host}:${port}/`);
        await page.waitForFunction(() => 'listen' in globalThis);
        return page;
      }

      it('shows a viewer the VM and its events, answers queries, and refuses what an operator may (F10, F11)', async () => {
        const page = await open('127.0.0.1');
        const vms = await page.evaluate(`open('${webSocket}', 'ann')`);
        expect(vms).toMatchObject([{ name: 'h1/vm1', state: 'ready', host: 'h1' }]);
        await page.evaluate('listen()');
        const bob = await fleet.client(await as('bob'));
        const vm = bob.client('h1/vm1');
        await vm.connect();
        await vm.execute('stop');
        expect(await page.evaluate('heard')).toMatchObject({ vm: 'h1/vm1', event: { event: 'STOP' } });
        expect(await page.evaluate(`vm.execute('query-status')`)).toMatchObject({ status: 'paused' });
        const refused = await page.evaluate(`vm.execute('cont').then(() => 'done', (error) => error.message)`);
        expect(refused).toContain('NATS does not let this user publish to qmp1.cmd.h1.vm1.x.cont');
        expect(await vm.execute('query-status')).toMatchObject({ status: 'paused' });
      });

      it('is refused from another origin (F11)', async () => {
        const page = await open('elsewhere.test');
        const how = await page.evaluate(`open('${webSocket}', 'ann').then(() => 'open', () => 'refused')`);
        expect(how).toBe('refused');
        const welcome = await open('127.0.0.1');
        expect(await welcome.evaluate(`open('${webSocket}', 'ann').then(() => 'open')`)).toBe('open');
      });
    });
  });
});
