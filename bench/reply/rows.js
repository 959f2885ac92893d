import { alternate, inProcess } from '../measure.js';
import { withServer } from '../wire/start-server.js';

const MODULE = new URL('./sides.js', import.meta.url);

/** @param {import('../main.js').Scale} scale */
export async function reply({ rounds, quick }) {
  const sizes = quick ? [1, 8, 32] : [1, 2, 4, 8, 16, 32, 64];
  /** node-qemu is quadratic: beyond 8 MiB it would take most of the run. */
  const cases = sizes.flatMap((size) => [
    ['plain', size],
    ['execute', size],
    ...(size === 8
      ? [
          ['nodeQemu', size],
          ['qemuQmp', size],
        ]
      : []),
  ]);
  return withServer(['reply-1', ...sizes.filter((size) => size > 1).map((size) => `reply-${size}`)], async (socket) => {
    const measured = await alternate(
      rounds,
      Object.fromEntries(
        cases.map(([side, size]) => [
          `${side} ${size}`,
          () => inProcess(MODULE, String(side), { path: socket(`reply-${size}`), warm: socket('reply-1') }),
        ]),
      ),
    );
    const time = (side) => `${Math.round(measured.median(side))} ms`;
    const last = sizes.at(-1) ?? 0;
    return [
      ...sizes.map((size) => ({
        what: `one-line reply of ${size} MiB`,
        value: time(`execute ${size}`),
        against: `plain chunk list ${time(`plain ${size}`)}`,
        ratio: measured.ratio(`execute ${size}`, `plain ${size}`),
        ...(size === 32 && { maximum: 1.3 }),
      })),
      {
        what: `a MiB of the ${last} MiB reply, to one of 8 MiB (linear is 1)`,
        value: `${(measured.median(`execute ${last}`) / last).toFixed(1)} ms`,
        against: `${(measured.median('execute 8') / 8).toFixed(1)} ms`,
        ratio: (measured.ratio(`execute ${last}`, 'execute 8') * 8) / last,
        maximum: 1.5,
      },
      ...['nodeQemu', 'qemuQmp'].map((peer) => ({
        what: 'one-line reply of 8 MiB',
        value: time('execute 8'),
        against: `${peer === 'nodeQemu' ? 'node-qemu' : 'qemu-qmp'} ${time(`${peer} 8`)}`,
        ratio: measured.ratio('execute 8', `${peer} 8`),
      })),
    ];
  });
}
