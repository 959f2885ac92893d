import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface DashboardProcess {
  /** What it printed for the browser, with all that is behind the `#`. */
  readonly url: string;
  /** Where the page itself is. */
  readonly page: string;
  /** As Ctrl+C does; resolves with its exit code. */
  stop(): Promise<number>;
}

/** `npm run dashboard` after the build of the library; builds the page if that was not done. */
export async function startDashboard(...args: string[]): Promise<DashboardProcess> {
  const child = spawn(process.execPath, ['scripts/dashboard.js', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit') as Promise<[number]>;
  const found = new Promise<string>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const url = /The dashboard: +(\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([
    found,
    ended.then(([code]) => {
      throw new Error(`scripts/dashboard.js ended with ${code}`);
    }),
  ]);
  return {
    url,
    page: url.replace(/#.*/, ''),
    stop: async () => {
      child.kill('SIGINT');
      return (await ended)[0];
    },
  };
}
