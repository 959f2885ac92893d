import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PROGRAM = process.env['RX_QMP_CHROMIUM'] ?? '/usr/bin/chromium';

const ARGUMENTS = [
  // Chromium refuses to run as root in a sandbox, and in CI everybody is root.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A page from somewhere else, without a network.
  '--host-resolver-rules=MAP elsewhere.test 127.0.0.1',
];

/** A browser of its own, with a fresh profile. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, headless: true, args: ARGUMENTS });
}

/**
 * `describe` for what needs a browser. Where there is no Chromium it is skipped, and says so; with `RX_QMP_REQUIRE_BROWSER=1` it
 * fails instead.
 */
export function describeBrowser(name: string, fn: () => void): void {
  if (existsSync(PROGRAM)) {
    describe(name, fn);
  } else if (process.env['RX_QMP_REQUIRE_BROWSER'] === '1') {
    describe(name, () => {
      it('runs in a real Chromium', () => {
        throw new Error(`there is no ${PROGRAM}, and RX_QMP_REQUIRE_BROWSER=1 asks for it`);
      });
    });
  } else {
    process.stderr.write(`SKIPPED, no ${PROGRAM} on this machine (RX_QMP_CHROMIUM names another): ${name}\n`);
    describe.skip(name, fn);
  }
}
