// `npm run dashboard`: a hub on two VMs, and examples/angular-dashboard to look at them.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createHub } from '../dist/node.js';
import { buildApp, serveApp } from './dashboard/app.js';
import { startVms } from './dashboard/vms.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4200' },
    'hub-port': { type: 'string', default: '8765' },
    // A hub of yours to look at, instead of two VMs of ours.
    hub: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

await buildApp(root, console.error);
const ours = values.hub === undefined ? await startOurs() : undefined;
const app = await serveApp(root, Number(values.port));
const settings = new URLSearchParams(
  ours ? { hub: ours.hub.url, token: ours.hub.token ?? '' } : { hub: values.hub ?? '' },
);

console.log(`
  The dashboard:  ${app.url}/#${settings}

  ${
    ours
      ? `The token is behind the #, which a browser sends to nobody; the page takes it from there, and out of the address.
  The hub:  ${ours.hub.url}, for ${ours.vms.what}.
  vm1 copies a disk now and then, vm2 is stopped and continued.${
    ours.vms.pids() &&
    `
  To see a gap:  kill -9 one of ${ours.vms.pids()}`
  }`
      : 'The page asks for the token.'
  }

  Ctrl+C ends all of it.
`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    app.close();
    ours?.vms.stop();
    void ours?.hub.close();
  });
}

async function startOurs() {
  const vms = await startVms();
  process.once('exit', vms.stop);
  const hub = await createHub({ vms: vms.connectors, port: Number(values['hub-port']), allow: ['stop', 'cont'] });
  return { vms, hub };
}
