import { alternate, inProcess } from '../measure.js';
import { POOL } from './events.js';
import { withServer } from './start-server.js';

const SIDES = ['plain', 'observe', 'observeAll', 'forAwait', 'get', 'forAwaitAll', 'getAll', 'nodeQemu', 'qemuQmp'];

/** @param {import('../main.js').Scale} scale */
export async function wire({ rounds, quick }) {
  const events = quick ? 8 * POOL : 50 * POOL;
  const warmEvents = quick ? 4 * POOL : 5 * POOL;
  const full = `events-${events}`;
  const warm = `events-${warmEvents}`;
  return withServer([...new Set([warm, full])], async (socket) => {
    const input = { warm: socket(warm), full: socket(full), warmEvents, events };
    const module = new URL('./sides.js', import.meta.url);
    const measured = await alternate(
      rounds,
      Object.fromEntries(SIDES.map((side) => [side, () => inProcess(module, side, input)])),
    );
    /** As fast as the plain loop is 1, twice as fast is 2. */
    const row = (what, side, budgets = {}, by = 'plain') =>
      ['clock', 'processor'].map((of) => {
        const rate = (one) => `${Math.round(events / measured.median(`${one} ${of}`))}k/s`;
        return {
          what: `${what}, ${of === 'clock' ? 'on the clock' : 'processor time'}`,
          value: rate(side),
          against: `${by === 'plain' ? 'plain ' : ''}${rate(by)}`,
          ratio: measured.ratio(`${by} ${of}`, `${side} ${of}`),
          ...(of in budgets && { minimum: budgets[of] }),
        };
      });
    return [
      ...row(`wire → observe(name), ${events.toLocaleString('en')} events`, 'observe', { clock: 1.15, processor: 1 }),
      ...row('wire → for await, a name', 'forAwait', { clock: 1, processor: 1 }),
      ...row('wire → get(), a name', 'get', { clock: 1, processor: 1 }),
      ...row('wire → observe(), every event', 'observeAll'),
      ...row('wire → for await, every event', 'forAwaitAll'),
      ...row('wire → get(), every event', 'getAll'),
      ...row('wire → observe(name) against node-qemu 1.3', 'observe', { clock: 1.4 }, 'nodeQemu'),
      ...row('wire → observe(name) against qemu-qmp 0.5', 'observe', { clock: 1.4 }, 'qemuQmp'),
    ];
  });
}
