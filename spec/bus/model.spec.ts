import fc from 'fast-check';
import { NaiveBus } from './model/naive-bus.js';
import { LISTENERS, operations, type Operation } from './model/operations.js';
import { RealBus } from './model/real-bus.js';
import { PATIENCE, scale, SEED, survived } from '../torture/scale.js';

const LIVES = scale(150, 20_000);

let operationsDone = 0;

function idsOf(events: readonly { readonly timestamp: { readonly seconds: number } }[]): number[] {
  return events.map(({ timestamp }) => timestamp.seconds);
}

async function agree(life: readonly Operation[]): Promise<void> {
  const naive = new NaiveBus();
  const real = new RealBus();
  for (const operation of life) {
    naive.apply(operation);
    real.apply(operation);
    expect({
      log: real.log,
      order: real.order,
      listeners: real.listeners.map((one) => [one.size, one.dropped, idsOf(one.history), [...one.names].sort()]),
    }).toEqual({
      log: naive.log,
      order: naive.order,
      listeners: naive.listeners.map((one) => [one.unread.length, one.dropped, one.history, [...one.names].sort()]),
    });
  }
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  expect(real.outcomes).toEqual(naive.outcomes);
  operationsDone += real.operations;
}

describe('a bus and its listeners', () => {
  it(
    'do what the naive model does, whatever is done to them in whatever order (L1 to L9, B1 to B8)',
    async () => {
      await fc.assert(fc.asyncProperty(operations, agree), { numRuns: LIVES, seed: SEED });
      survived(
        `${LIVES} lives of a bus and ${LISTENERS.length} listeners (RX_QMP_SEED=${SEED}): ${operationsDone} operations, ` +
          'after each of which it was as its model is',
      );
    },
    PATIENCE,
  );
});
