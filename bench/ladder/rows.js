import { alternate, inProcess } from '../measure.js';

const SIDES = new URL('./sides.js', import.meta.url);
const STEPS = {
  parse: 'JSON.parse of each line, the lines at hand',
  splitAndParse: 'chunks → split → JSON.parse',
  framingByLine: 'chunks → framing, line by line',
  framingInBatches: 'chunks → framing, in batches',
  client: 'chunks → a client → observe(name)',
};

/** Where the time goes on the way from bytes to a listener. @param {import('../main.js').Scale} scale */
export async function ladder({ rounds, quick }) {
  const milliseconds = quick ? 300 : 1_000;
  const measured = await alternate(
    rounds,
    Object.fromEntries(Object.keys(STEPS).map((step) => [step, () => inProcess(SIDES, step, { milliseconds })])),
  );
  const time = (step) => `${Math.round(measured.median(step))} ns`;
  return Object.entries(STEPS).map(([step, what]) => ({
    what: `per event: ${what}`,
    value: time(step),
    against: `JSON.parse ${time('parse')}`,
    ratio: measured.ratio(step, 'parse'),
  }));
}
