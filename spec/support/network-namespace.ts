import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { skipped } from './programs.js';
import { exit } from './qemu.js';

const ip = (...words: string[]): void => {
  execFileSync('ip', words, { stdio: 'ignore' });
};

/** Another machine, as far as a network goes: its cable can be cut, which tells neither end. */
export class NetworkNamespace {
  /** Its address, and that of this side. */
  readonly there: string;
  readonly here: string;
  /** Before a program and its arguments: runs it there. */
  readonly prefix: readonly string[];
  readonly #name: string;
  readonly #bridge: string;
  readonly #cable: string;
  readonly #processes: ChildProcess[] = [];

  /** @throws Error where this is not allowed: it takes Linux and root */
  constructor() {
    const id = process.pid % 100_000;
    this.#name = `rx-qmp-${id}`;
    this.#bridge = `rxqb${id}`;
    this.#cable = `rxqc${id}`;
    this.prefix = ['ip', 'netns', 'exec', this.#name];
    // Of the addresses that are kept for tests of networks.
    const network = `198.${18 + (process.pid % 2)}.${(process.pid >> 1) % 250}`;
    this.here = `${network}.1`;
    this.there = `${network}.2`;
    ip('netns', 'add', this.#name);
    try {
      const inner = `rxqi${id}`;
      ip('link', 'add', this.#bridge, 'type', 'bridge');
      ip('address', 'add', `${this.here}/24`, 'dev', this.#bridge);
      ip('link', 'set', this.#bridge, 'up');
      ip('link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', inner, 'netns', this.#name);
      ip('link', 'set', this.#cable, 'master', this.#bridge, 'up');
      ip('-n', this.#name, 'address', 'add', `${this.there}/24`, 'dev', inner);
      ip('-n', this.#name, 'link', 'set', inner, 'up');
      ip('-n', this.#name, 'link', 'set', 'lo', 'up');
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Starts a program there. */
  spawn(program: string, args: readonly string[]): ChildProcess {
    const [command = '', ...words] = [...this.prefix, program, ...args];
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#processes.push(child);
    return child;
  }

  /** What is sent from now on is lost. */
  cut(): void {
    ip('link', 'set', this.#cable, 'nomaster');
  }

  mend(): void {
    ip('link', 'set', this.#cable, 'master', this.#bridge);
  }

  /** Ends the programs that {@link spawn} started. */
  async clear(): Promise<void> {
    for (const child of this.#processes.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = exit(child);
      child.kill('SIGKILL');
      await gone;
    }
  }

  remove(): void {
    for (const words of [
      ['netns', 'del', this.#name],
      ['link', 'del', this.#bridge],
    ]) {
      try {
        ip(...words);
      } catch {
        // It was not made.
      }
    }
  }
}

/** A namespace; undefined, with a line that says so, where none can be made. With `RX_QMP_REQUIRE_NETNS=1` that is an error. */
export function networkNamespace(what: string): NetworkNamespace | undefined {
  try {
    return new NetworkNamespace();
  } catch (error) {
    skipped(error, 'RX_QMP_REQUIRE_NETNS', 'no network namespace can be made (it takes root and iproute2)', what);
    return undefined;
  }
}
