import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { exit } from './qemu.js';

const ip = (...words: string[]): void => {
  execFileSync('ip', words, { stdio: 'ignore' });
};

/** Another machine, as far as a network goes: its cable can be pulled, which tells nobody. */
export class NetworkNamespace {
  /** Its address, and that of this side. */
  readonly there: string;
  readonly here: string;
  readonly #name = `rx-qmp-cut-${process.pid}`;
  readonly #inner = `rxqi${process.pid % 100_000}`;
  readonly #processes: ChildProcess[] = [];

  /** @throws Error where this is not allowed: it takes Linux and root */
  constructor() {
    // Of the addresses that are kept for tests of networks.
    const network = `198.19.${process.pid % 250}`;
    this.here = `${network}.1`;
    this.there = `${network}.2`;
    const outer = `rxqo${process.pid % 100_000}`;
    ip('netns', 'add', this.#name);
    try {
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', this.#inner, 'netns', this.#name);
      ip('address', 'add', `${this.here}/24`, 'dev', outer);
      ip('link', 'set', outer, 'up');
      ip('-n', this.#name, 'address', 'add', `${this.there}/24`, 'dev', this.#inner);
      this.mend();
    } catch (error) {
      ip('netns', 'del', this.#name);
      throw error;
    }
  }

  /** Starts a program there. */
  spawn(program: string, args: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.#name, program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#processes.push(child);
    return child;
  }

  /** Pulls the cable: what is sent is lost. */
  cut(): void {
    ip('-n', this.#name, 'link', 'set', this.#inner, 'down');
  }

  mend(): void {
    ip('-n', this.#name, 'link', 'set', this.#inner, 'up');
  }

  /** Ends the programs that run there. */
  async clear(): Promise<void> {
    for (const child of this.#processes.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = exit(child);
      child.kill('SIGKILL');
      await gone;
    }
  }

  remove(): void {
    ip('netns', 'del', this.#name);
  }
}

/** A namespace; undefined, with a line that says so, where none can be made. With `RX_QMP_REQUIRE_NETNS=1` that is an error. */
export function networkNamespace(what: string): NetworkNamespace | undefined {
  try {
    return new NetworkNamespace();
  } catch (error) {
    if (process.env['RX_QMP_REQUIRE_NETNS'] === '1') throw error;
    process.stderr.write(`SKIPPED, no network namespace can be made (it takes root and iproute2): ${what}\n`);
    return undefined;
  }
}
