// A hub of so many FakeQemus that serves the dashboard, for rows.js; it does what its parent tells it.
import { fileURLToPath } from 'node:url';
import { createHub } from '../../dist/node.js';
import { FakeQemu } from '../../dist/testing.js';
import { TOKEN } from './token.js';

const NAMES = ['STOP', 'RESUME', 'NIC_RX_FILTER_CHANGED', 'DEVICE_DELETED', 'JOB_STATUS_CHANGE'];
const HOUR = 3_600_000;

/** The time of the VMs, which may run faster than ours. */
let now = Date.now();
const clock = { now: () => now };
const count = Number(process.argv[2]);
const qemus = Array.from({ length: count }, () => new FakeQemu({ clock }));
const hub = await createHub({
  vms: Object.fromEntries(qemus.map(({ connector }, place) => [`vm${place}`, connector])),
  port: 0,
  tokens: [{ role: 'operator', token: TOKEN, name: 'bench' }],
  dashboard: fileURLToPath(new URL('../../dist/dashboard', import.meta.url)),
});

/** @type {Record<string, (message: any) => unknown>} */
const orders = {
  /** So many events a second, spread over all VMs, for so many milliseconds. */
  async emit({ perSecond, milliseconds }) {
    const begin = Date.now();
    for (let sent = 0; Date.now() - begin < milliseconds;) {
      now = Date.now();
      for (const due = ((now - begin) * perSecond) / 1000; sent < due; sent += 1) emit(sent);
      await later(20);
    }
  },
  /** So many events a second through an hour of the VMs' time, as fast as the page reads. */
  async hour({ perSecond }) {
    const events = (HOUR / 1000) * perSecond;
    for (let sent = 0; sent < events;) {
      for (const end = sent + 250; sent < end; sent += 1) {
        now += 1000 / perSecond;
        emit(sent);
      }
      await later(20);
    }
  },
  /** Ends the first VM. */
  kill() {
    qemus[0].kill();
  },
  /** Starts it again. @returns when the hub had a session to it, by the clock */
  async restart() {
    qemus[0].restart();
    while (hub.vms.find(({ name }) => name === 'vm0')?.state !== 'ready') await later(1);
    return Date.now();
  },
};

process.on('message', async (/** @type {{ order: string }} */ message) => {
  process.send?.({ value: await orders[message.order](message) });
});
process.on('disconnect', () => void hub.close());
while (hub.vms.some(({ status }) => status === undefined)) await later(1);
process.send?.({ value: hub.url });

function emit(place) {
  const name = NAMES[Math.floor(place / count) % NAMES.length];
  qemus[place % count].emit(name, name === 'JOB_STATUS_CHANGE' ? { id: 'job0', status: 'running' } : {});
}

function later(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
