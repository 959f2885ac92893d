import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { note } from './terminal.js';

/**
 * Opens an address in the user's browser by way of a file that only this user can read: the address holds a token, and the
 * arguments of a process are seen by every user of the machine.
 */
export class BrowserPage {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when the browser was told; where there is none, says so and leaves the address to the user. */
  static async open(url: string): Promise<BrowserPage> {
    const folder = await mkdtemp(join(tmpdir(), 'rx-qmp-dashboard-'));
    const file = join(folder, 'open.html');
    await writeFile(file, redirectTo(url), { mode: 0o600 });
    const [program, ...args] = openerOf(file);
    await new Promise<void>((resolve) => {
      const child = spawn(program, args, { stdio: 'ignore', detached: true });
      child.once('spawn', resolve).once('error', () => {
        note('no browser could be opened here; the address above is for one elsewhere');
        resolve();
      });
      child.unref();
    });
    return new BrowserPage(folder);
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function openerOf(file: string): [string, ...string[]] {
  switch (process.platform) {
    case 'darwin':
      return ['open', file];
    case 'win32':
      return ['cmd', '/c', 'start', '', file];
    default:
      return ['xdg-open', file];
  }
}

function redirectTo(url: string): string {
  const escaped = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return `<!doctype html><meta charset="utf-8"><title>rx-qmp</title><meta http-equiv="refresh" content="0; url=${escaped}">\n`;
}
