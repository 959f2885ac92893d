import { fork } from 'node:child_process';

/**
 * Runs one exported function of a bench module in a process of its own, so that neither heap nor inline caches know of the
 * others, and gives what it returns.
 *
 * @typedef {number | Record<string, number>} Value one number, or several by what they are
 * @param {URL} module @param {string} name @param {object} [input]
 * @returns {Promise<Value>}
 */
export function inProcess(module, name, input = {}) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./child.js', import.meta.url), [module.href, name, JSON.stringify(input)], {
      execArgv: ['--expose-gc'],
    });
    child.once('message', (/** @type {{ value?: Value, error?: string }} */ { value, error }) => {
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
 * Measures all sides once per round, one after the other, so that whatever else the machine does hits them alike. Of a side that
 * gives several numbers, each is found under its name and theirs: `relay processor`.
 *
 * @param {number} rounds @param {Record<string, () => Promise<Value>>} sides
 * @returns {Promise<Measured>}
 */
export async function alternate(rounds, sides) {
  /** @type {Record<string, number[]>} */
  const values = {};
  const note = (side, value) => {
    if (!(side in values)) values[side] = [];
    values[side].push(value);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const [side, measure] of Object.entries(sides)) {
      const value = await measure();
      if (typeof value === 'number') note(side, value);
      else for (const [of, number] of Object.entries(value)) note(`${side} ${of}`, number);
    }
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

  /** Of all rounds. @param {string} side */
  most(side) {
    return Math.max(...this.values[side]);
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
