import { fork } from 'node:child_process';

/**
 * Runs one exported function of a bench module in a process of its own, so that neither heap nor inline caches know of the
 * others, and gives the number that it returns.
 *
 * @param {URL} module @param {string} name @param {object} [input]
 * @returns {Promise<number>}
 */
export function inProcess(module, name, input = {}) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./child.js', import.meta.url), [module.href, name, JSON.stringify(input)], {
      execArgv: ['--expose-gc'],
    });
    child.once('message', (/** @type {{ value?: number, error?: string }} */ { value, error }) => {
      if (value === undefined) reject(new Error(`${name}: ${error}`));
      else resolve(value);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new Error(`${name}: ended with ${code} and no result`));
    });
  });
}

/**
 * Measures all sides once per round, one after the other, so that whatever else the machine does hits them alike.
 *
 * @param {number} rounds @param {Record<string, () => Promise<number>>} sides
 * @returns {Promise<Measured>}
 */
export async function alternate(rounds, sides) {
  /** @type {Record<string, number[]>} */
  const values = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [side, measure] of Object.entries(sides)) values[side].push(await measure());
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  return new Measured(values);
}

export class Measured {
  /** @param {Record<string, number[]>} values */
  constructor(values) {
    this.values = values;
  }

  /** @param {string} side */
  median(side) {
    return median(this.values[side]);
  }

  /** The median over the rounds of one side divided by another in the same round. @param {string} side @param {string} by */
  ratio(side, by) {
    return median(this.values[side].map((value, round) => value / this.values[by][round]));
  }
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
