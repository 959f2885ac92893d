import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export const MAIN: string = join(__dirname, '..', '..', 'dist', 'cli', 'main.cjs');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `rx-qmp`, as somebody in a shell has it, with its output in pipes. */
export class Cli {
  readonly process: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  /** Resolves when its output matches. */
  async until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    while (!pattern.test(this[stream])) {
      if (this.process.exitCode !== null) {
        throw new Error(`ended without ${String(pattern)}:\n${this.stdout}\n${this.stderr}`);
      }
      await Promise.race([once(this.process[stream], 'data'), once(this.process, 'close')]);
    }
  }

  async ended(): Promise<Run> {
    const [code] =
      this.process.exitCode === null
        ? ((await once(this.process, 'close')) as [number | null])
        : [this.process.exitCode];
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs `rx-qmp` to its end, with nothing on its stdin. */
export function rxQmp(...args: string[]): Promise<Run> {
  const cli = new Cli(args);
  cli.process.stdin.end();
  return cli.ended();
}

/** Runs a line of bash that uses `rx-qmp`; it fails where any part of a pipe does. */
export async function inBash(line: string, env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const script = `set -o pipefail; rx-qmp() { '${process.execPath}' '${MAIN}' "$@"; }; ${line}`;
  const bash = spawn('bash', ['-c', script], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(bash.stdout),
    text(bash.stderr),
    once(bash, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
