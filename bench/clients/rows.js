import { alternate, inProcess } from '../measure.js';
import { withServer } from '../wire/start-server.js';

const MODULE = new URL('./sides.js', import.meta.url);

/** @param {import('../main.js').Scale} scale */
export async function clients({ rounds, quick }) {
  const counts = quick ? [1, 50] : [1, 10, 100, 500];
  const events = quick ? 200_000 : 500_000;
  const each = (count) => Math.max(1_000, Math.floor(events / count / 1_000) * 1_000);
  return withServer([...new Set(counts.map((count) => `events-${each(count)}`))], async (socket) => {
    const measured = await alternate(
      rounds,
      Object.fromEntries(
        counts.flatMap((count) =>
          ['plain', 'keeping', 'rx'].map((side) => [
            `${side} ${count}`,
            () =>
              inProcess(MODULE, side, {
                path: socket(`events-${each(count)}`),
                clients: count,
                eventsEach: each(count),
              }),
          ]),
        ),
      ),
    );
    /** Of the most clients. */
    const budgets = { keeping: 0.95, plain: 0.75 };
    const comparisons = [
      ['rx', 'keeping'],
      ['rx', 'plain'],
      ['keeping', 'plain'],
    ];
    return counts.flatMap((count) =>
      comparisons.flatMap(([side, by]) =>
        ['processor', 'clock'].map((of) => {
          const rate = (one) => `${Math.round((count * each(count)) / measured.median(`${one} ${count} ${of}`))}k/s`;
          return {
            what: `${side === 'rx' ? '' : '(a plain loop that keeps the latest 1,000 of each) '}${count} client${count > 1 ? 's' : ''} in one process, ${(count * each(count)).toLocaleString('en')} events, ${of === 'clock' ? 'on the clock' : 'processor time'}`,
            value: rate(side),
            against: `a plain loop that keeps ${by === 'plain' ? 'none' : 'the latest 1,000 of each'} ${rate(by)}`,
            ratio: measured.ratio(`${by} ${count} ${of}`, `${side} ${count} ${of}`),
            ...(side === 'rx' && of === 'processor' && count === 500 && { minimum: budgets[by] }),
          };
        }),
      ),
    );
  });
}
