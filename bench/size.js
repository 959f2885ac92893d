import { bundle } from '../scripts/bundle.cjs';

const TASKS = ['followJob', 'migrate', 'shutdown', 'reset', 'pause', 'unplug', 'typeText'];

/** What a browser loads: minified and compressed, without rxjs. `npm test` checks the same and more. */
export function size() {
  const row = (what, names, maximum) => {
    const { size } = bundle(`export ${names} from 'rx-qmp'`);
    return { what: `${what}, minified + brotli, without rxjs, kB`, value: `${size} B`, ratio: size / 1000, maximum };
  };
  const client = bundle(`export { QmpClient } from 'rx-qmp'`).size;
  const added = TASKS.map((task) => bundle(`export { QmpClient, ${task} } from 'rx-qmp'`).size - client);
  const most = Math.max(...added);
  return [
    row('core entry, everything in it', '*', 22),
    row('of it QmpClient', '{ QmpClient }', 14),
    row('of it EventBus and EventListener', '{ EventBus, EventListener }', 5),
    {
      what: `one task on top of QmpClient, the largest is ${TASKS[added.indexOf(most)]}, kB`,
      value: `${most} B`,
      ratio: most / 1000,
      maximum: 1.6,
    },
  ];
}
