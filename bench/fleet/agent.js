// One host: an agent of so many FakeQemus, or of the sockets it is given.
import { connect } from '@nats-io/transport-node';
import { createAgent } from '../../dist/agent.js';
import { FakeQemu } from '../../dist/testing.js';
import { input, serve } from '../helper.js';

const { url, host, fakes = 0, sockets = {}, beat } = input();
const qemus = Array.from({ length: fakes }, () => new FakeQemu());
const connectors = qemus.map((qemu, index) => [`vm${index + 1}`, qemu.connector]);
const nats = await connect({ servers: url, maxReconnectAttempts: -1 });
const agent = await createAgent({
  ...{ nats, host, vms: { ...Object.fromEntries(connectors), ...sockets }, allow: ['stop'] },
  ...(beat && { beat }),
});
const passes = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Of ten events in a row one is a STOP. @param {number} number */
function emit(number) {
  const qemu = qemus[number % qemus.length];
  if (number % 10 === 0) qemu.emit('STOP');
  else qemu.emit('RTC_CHANGE', { offset: number, 'qom-path': '/rtc' });
}

/** So many a second, a few each millisecond or so. @param {number} rate @param {number} seconds */
async function stream(rate, seconds) {
  const total = rate * seconds;
  const start = performance.now();
  for (let done = 0; done < total; await passes(1)) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1_000) * rate));
    for (; done < due; done += 1) emit(done);
  }
}

serve(async ({ until, rate, seconds }) => {
  if (until === 'ready') while (agent.vms.some(({ state }) => state !== 'ready')) await passes(20);
  if (until === 'stored') while (!agent.metrics().includes('\nrxqmp_agent_log_waiting 0\n')) await passes(20);
  if (rate) await stream(rate, seconds);
  globalThis.gc?.();
  return { memory: process.memoryUsage().rss };
});
