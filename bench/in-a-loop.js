const WARM_UP = 300;

/**
 * Nanoseconds of processor time per turn of a loop: after a warm-up, the median of some timed batches. `run(count)` makes
 * `count` turns. Processor time, because a neighbour who takes the processor away is no property of what is measured.
 *
 * @param {number} milliseconds for all batches together @param {(count: number) => void | Promise<void>} run
 */
export async function nanosecondsPerTurn(milliseconds, run) {
  let count = 1;
  let fastest = Infinity;
  // On a busy machine the time may pass before a batch was long enough to tell how fast a turn is.
  for (const start = performance.now(); fastest === Infinity || performance.now() - start < WARM_UP;) {
    const spent = await timed(run, count);
    if (spent < WARM_UP / 10) count *= 2;
    else fastest = Math.min(fastest, spent / count);
  }
  const batch = Math.ceil(milliseconds / 9 / fastest);
  const batches = [];
  for (let round = 0; round < 9; round += 1) batches.push((await timed(run, batch)) / batch);
  batches.sort((a, b) => a - b);
  return batches[4] * 1e6;
}

async function timed(run, count) {
  const start = process.cpuUsage();
  await run(count);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
