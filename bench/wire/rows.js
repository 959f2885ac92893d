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
    const speed = (side, by = 'plain') => measured.ratio(by, side);
    const rate = (side) => `${Math.round(events / measured.median(side))}k/s`;
    const row = (what, side, minimum) => ({
      what,
      value: rate(side),
      against: `plain ${rate('plain')}`,
      ratio: speed(side),
      ...(minimum !== undefined && { minimum }),
    });
    return [
      row(`wire → observe(name), ${events.toLocaleString('en')} events`, 'observe', 1),
      row('wire → for await, a name', 'forAwait', 0.9),
      row('wire → get(), a name', 'get', 0.9),
      row('wire → observe(), every event', 'observeAll'),
      row('wire → for await, every event', 'forAwaitAll'),
      row('wire → get(), every event', 'getAll'),
      {
        what: 'wire → observe(name) against node-qemu 1.3',
        value: rate('observe'),
        against: rate('nodeQemu'),
        ratio: speed('observe', 'nodeQemu'),
        minimum: 1,
      },
      {
        what: 'wire → observe(name) against qemu-qmp 0.5',
        value: rate('observe'),
        against: rate('qemuQmp'),
        ratio: speed('observe', 'qemuQmp'),
        minimum: 1,
      },
      row('(node-qemu against plain)', 'nodeQemu'),
      row('(qemu-qmp against plain)', 'qemuQmp'),
    ];
  });
}
