import { writeSync } from 'node:fs';
import { bundle } from '../scripts/bundle.cjs';

function verdictOf(size: number, budget: number | undefined): string {
  if (budget === undefined) return 'no budget of its own';
  return `${size > budget ? 'MISSES' : 'keeps'} the budget of ${budget}`;
}

describe('a bundle of rx-qmp', () => {
  // The ceiling keeps a budget that is missed from being missed by more, unseen.
  it.each([
    { what: 'EventBus and EventListener', exported: '{ EventBus, EventListener }', budget: 5_000, ceiling: 5_600 },
    { what: 'QmpClient', exported: '{ QmpClient }', budget: 14_000, ceiling: 14_750 },
    { what: 'QmpClient and webSocket', exported: '{ QmpClient, webSocket }', budget: undefined, ceiling: 15_750 },
    { what: 'everything, tasks included', exported: '*', budget: 22_000, ceiling: 23_900 },
  ])('is small with $what (budgets)', ({ what, exported, budget, ceiling }) => {
    const { size } = bundle(`export ${exported} from 'rx-qmp'`);
    writeSync(1, `size: ${what}: ${size} bytes minified + brotli, without rxjs; ${verdictOf(size, budget)}\n`);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThanOrEqual(ceiling);
  });

  it.each([
    ...['eventAfter', 'followJob', 'followJobs', 'runJob', 'jobs$', 'shutdown', 'reset', 'pause', 'resume', 'unplug'],
    ...['waitForGuest', 'migrate', 'pressKeys', 'typeText', 'schemaOf'],
  ])('grows by 1,600 bytes at most with %s (budgets)', (task) => {
    const without = bundle(`export { QmpClient } from 'rx-qmp'`).size;
    const { size } = bundle(`export { QmpClient, ${task} } from 'rx-qmp'`);
    writeSync(1, `size: ${task} alone: ${size - without} bytes on top of QmpClient\n`);
    expect(size).toBeGreaterThan(without);
    expect(size - without).toBeLessThanOrEqual(1_600);
  });

  // The prototype was told of no hole before its first event, read no history and kept no list.
  it('grows by 9,200 bytes at most with rx-qmp/fleet, its peers aside (budgets)', () => {
    const without = bundle(`export * from 'rx-qmp'`).size;
    const size = bundle(`export * from 'rx-qmp'; export * from 'rx-qmp/fleet'`).size - without;
    writeSync(1, `size: rx-qmp/fleet: ${size} bytes on top of everything, without NATS; ${verdictOf(size, 6_000)}\n`);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThanOrEqual(9_200);
  });

  it('is empty where nothing is used', () => {
    expect(bundle(`import 'rx-qmp'`)).toEqual({ size: 0, modules: [] });
    expect(bundle(`import { QmpClient } from 'rx-qmp'`)).toEqual({ size: 0, modules: [] });
  });

  it.each([
    { used: 'ofEvent', needed: 'bus/of-event.js' },
    { used: 'isEvent', needed: 'protocol/message.js' },
    { used: 'QmpError', needed: 'protocol/errors.js' },
  ])('holds one module where $used is used', ({ used, needed }) => {
    expect(bundle(`export { ${used} } from 'rx-qmp'`).modules).toEqual([needed]);
  });

  it.each([
    { used: 'EventListener', unused: ['bus/event-bus.js', 'client/', 'transport/', 'hub/'] },
    { used: 'EventBus', unused: ['client/', 'transport/', 'hub/'] },
    { used: 'QmpClient', unused: ['tasks/', 'transport/'] },
    { used: 'followJob', unused: ['bus/', 'client/link.js', 'transport/'] },
    { used: 'webSocket', unused: ['bus/', 'client/', 'hub/'] },
  ])('drops $unused where $used is used', ({ used, unused }) => {
    const { modules } = bundle(`export { ${used} } from 'rx-qmp'`);
    expect(modules).not.toEqual([]);
    expect(modules.filter((module) => unused.some((place) => module.startsWith(place)))).toEqual([]);
  });
});
