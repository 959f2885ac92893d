import { setImmediate } from 'node:timers/promises';

/**
 * Fails a spec file that leaves a socket, a server, a process or a timer behind. (What is uncaught or rejected unheard fails its
 * test by Jest itself.)
 */
export function expectNoLeaks(): void {
  let before: string[] = [];

  beforeAll(() => {
    before = process.getActiveResourcesInfo();
  });

  afterAll(async () => {
    // Handles close a few turns of the event loop after they were told to.
    const deadline = Date.now() + 3_000;
    while (excess(before).length > 0 && Date.now() < deadline) await setImmediate();
    expect(excess(before)).toEqual([]);
  });
}

/** The kinds of resources there are now and were not then. */
function excess(before: readonly string[]): string[] {
  const known = [...before, 'Immediate'];
  return process.getActiveResourcesInfo().filter((kind) => {
    const place = known.indexOf(kind);
    if (place < 0) return true;
    if (kind !== 'Immediate') known.splice(place, 1);
    return false;
  });
}
