import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.cjs');

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

/** Runs `rx-qmp` to its end. */
export function rxQmp(...args: string[]): Promise<Run> {
  return new Cli(args).ended();
}
