import { execFileSync } from 'node:child_process';

const ip = (...words: string[]): void => {
  execFileSync('ip', words, { stdio: 'ignore' });
};

/** A machine of its own on a network of its own, as far as a network goes; its cable can be cut. Needs root. */
export class Namespace {
  /** Of this side. */
  readonly address: string;
  readonly prefix: readonly string[];
  readonly #name: string;
  readonly #bridge: string;
  readonly #cable: string;

  /** @throws Error where that is not allowed */
  constructor() {
    const id = process.pid % 100_000;
    this.#name = `rx-qmp-${id}`;
    this.#bridge = `rxqb${id}`;
    this.#cable = `rxqc${id}`;
    // Of the addresses that are kept for tests of networks.
    const network = `198.18.${process.pid % 250}`;
    this.address = `${network}.1`;
    this.prefix = ['ip', 'netns', 'exec', this.#name];
    ip('netns', 'add', this.#name);
    try {
      const inner = `rxqi${id}`;
      ip('link', 'add', this.#bridge, 'type', 'bridge');
      ip('address', 'add', `${this.address}/24`, 'dev', this.#bridge);
      ip('link', 'set', this.#bridge, 'up');
      ip('link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', inner, 'netns', this.#name);
      ip('link', 'set', this.#cable, 'master', this.#bridge, 'up');
      ip('-n', this.#name, 'address', 'add', `${network}.2/24`, 'dev', inner);
      ip('-n', this.#name, 'link', 'set', inner, 'up');
      ip('-n', this.#name, 'link', 'set', 'lo', 'up');
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Nobody is told: what is sent is lost. */
  cut(): void {
    ip('link', 'set', this.#cable, 'nomaster');
  }

  mend(): void {
    ip('link', 'set', this.#cable, 'master', this.#bridge);
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
