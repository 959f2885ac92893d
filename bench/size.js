import { bundle } from '../scripts/bundle.cjs';

/** What a browser loads: minified and compressed, without rxjs. `npm test` checks the same and more. */
export function size() {
  const row = (what, names, maximum) => {
    const { size } = bundle(`export ${names} from 'rx-qmp'`);
    return { what: `${what}, minified + brotli, without rxjs, kB`, value: `${size} B`, ratio: size / 1000, maximum };
  };
  return [
    row('core entry, everything in it', '*', 22),
    row('of it QmpClient', '{ QmpClient }', 14),
    row('of it EventBus and EventListener', '{ EventBus, EventListener }', 5),
  ];
}
