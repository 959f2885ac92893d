import fc from 'fast-check';
import { NaiveBus } from './model/naive-bus.js';
import { operations, type Operation } from './model/operations.js';
import { RealBus } from './model/real-bus.js';

/** How many lives are tried; `MODEL_RUNS=20000` for a long look, `MODEL_SEED` for the same one again. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 150);
const SEED = process.env['MODEL_SEED'];

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
}

describe('a bus and its listeners', () => {
  it(
    'do what the naive model does, whatever is done to them in whatever order (L1 to L9, B1 to B8)',
    async () => {
      await fc.assert(fc.asyncProperty(operations, agree), {
        numRuns: RUNS,
        ...(SEED !== undefined && { seed: Number(SEED) }),
      });
    },
    60_000 + RUNS * 50,
  );
});
