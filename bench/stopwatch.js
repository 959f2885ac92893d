/** Begins to measure. What it returns gives the milliseconds since then, on the clock and of this process's processor time. */
export function stopwatch() {
  const [begun, spent] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(spent);
    return { clock: performance.now() - begun, processor: (user + system) / 1_000 };
  };
}
