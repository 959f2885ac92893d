// `npm run dashboard`: a hub on two VMs, and examples/angular-dashboard to look at them.
import { parseArgs } from 'node:util';
import { createHub } from '../dist/node.js';
import { buildApp, serveApp } from './dashboard/app.js';
import { startVms } from './dashboard/vms.js';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '4200' }, 'hub-port': { type: 'string', default: '8765' } },
});
const root = new URL('..', import.meta.url).pathname.replace(/\/$/, '');

await buildApp(root, console.error);
const vms = await startVms();
process.once('exit', vms.stop);
const hub = await createHub({ vms: vms.connectors, port: Number(values['hub-port']), allow: ['stop', 'cont'] });
const app = await serveApp(root, Number(values.port));
const settings = new URLSearchParams({ hub: hub.url, token: hub.token ?? '' });

console.log(`
  The dashboard:  ${app.url}/#${settings}

  The token is behind the #, which a browser sends to nobody; the page takes it from there, and out of the address.
  The hub:  ${hub.url}, for ${vms.what}.
  vm1 copies a disk now and then, vm2 is stopped and continued.${
    vms.pids() &&
    `
  To see a gap:  kill -9 one of ${vms.pids()}`
  }

  Ctrl+C ends all of it.
`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    app.close();
    vms.stop();
    hub.close().then(() => process.exit(0));
  });
}
