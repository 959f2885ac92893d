import { alternate, inProcess } from '../measure.js';
import { POOL } from '../wire/events.js';
import { withServer } from '../wire/start-server.js';

const MODULE = new URL('./sides.js', import.meta.url);

/** @param {import('../main.js').Scale} scale */
export async function memory({ rounds, quick }) {
  const events = quick ? 10 * POOL : 50 * POOL;
  const clients = 200;
  return withServer([`events-${POOL}`, `events-${events}`, 'idle'], async (socket) => {
    const flood = { warm: socket(`events-${POOL}`), path: socket(`events-${events}`), events };
    const measured = await alternate(rounds, {
      unread: () => inProcess(MODULE, 'unread', flood),
      'unread with a listener': () => inProcess(MODULE, 'unread', { ...flood, listen: true }),
      listener: () => inProcess(MODULE, 'listener'),
      observe: () => inProcess(MODULE, 'observe'),
      filters: () => inProcess(MODULE, 'filters'),
      idle: () => inProcess(MODULE, 'idleClient', { path: socket('idle'), clients }),
    });
    const megabytes = (side) => measured.median(side) / 1e6;
    const kilobytes = (side) => `${(measured.median(side) / 1000).toFixed(1)} kB`;
    const many = events.toLocaleString('en');
    return [
      {
        what: `live heap after ${many} events through a client nobody reads, MB above the start`,
        value: `${megabytes('unread').toFixed(2)} MB`,
        ratio: megabytes('unread'),
        maximum: 1,
      },
      {
        what: `the same with a listener nobody reads (10,000 unread kept), MB`,
        value: `${megabytes('unread with a listener').toFixed(2)} MB`,
        ratio: megabytes('unread with a listener'),
      },
      ...['listener', 'observe'].map((side) => ({
        what: `heap per ${side === 'listener' ? 'listener(name)' : 'subscription of observe(name)'}`,
        value: kilobytes(side),
        against: `a Subject's filter() ${kilobytes('filters')}`,
        ratio: measured.ratio(side, 'filters'),
      })),
      {
        what: `heap and buffers per idle client, of ${clients}, kB`,
        value: kilobytes('idle'),
        ratio: measured.median('idle') / 1000,
        maximum: 25,
      },
    ];
  });
}
