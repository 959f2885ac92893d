import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

/** Milliseconds in which any screen must have come, on the slowest machine. */
const PATIENCE = 30_000;

/** A terminal of 40 lines in which a command runs, and a person at its keyboard. */
export class Terminal {
  /** A server of its own, so that no other session of this machine is touched. */
  readonly #server = `rx-qmp-${randomUUID()}`;

  constructor(command: string, env: Readonly<Record<string, string>> = {}, columns = 100) {
    const settings = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    // `cat` keeps the screen once the command has ended; Ctrl-C ends the command, and not the shell around it.
    this.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      String(columns),
      '-y',
      '40',
      ...settings,
      `trap : INT; ${command}; echo ended $?; cat`,
    );
  }

  /** Types a text, or presses keys by the names that tmux has for them: `Enter`, `Tab`, `C-c`. */
  type(text: string, ...keys: readonly string[]): void {
    if (text !== '') this.#tmux('send-keys', '-l', text);
    for (const key of keys) this.#tmux('send-keys', key);
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-p').trimEnd();
  }

  /** Resolves with the screen once it matches; what is blank at the end of its lines is not there. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    for (let screen = this.screen; ; screen = this.screen) {
      if (pattern.test(screen)) return screen;
      if (Date.now() > deadline) throw new Error(`the screen does not match ${String(pattern)}:\n${screen}`);
      await setTimeout(20);
    }
  }

  close(): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync('tmux', ['-L', this.#server, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}

const hasTmux = spawnSync('tmux', ['-V']).status === 0;

/** `describe` for what needs a terminal. Without tmux it is skipped, and says so; with `RX_QMP_REQUIRE_TMUX=1` it fails instead. */
export function describeTerminal(name: string, fn: () => void): void {
  if (hasTmux) describe(name, fn);
  else if (process.env['RX_QMP_REQUIRE_TMUX'] === '1') {
    describe(name, () => {
      it('runs in a terminal (tmux is not installed)', () => {
        throw new Error('tmux is not installed, and RX_QMP_REQUIRE_TMUX=1 asks for it');
      });
    });
  } else {
    process.stderr.write(`SKIPPED, no tmux on this machine: ${name}\n`);
    describe.skip(name, fn);
  }
}
