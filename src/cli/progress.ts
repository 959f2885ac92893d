import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { printable } from './terminal.js';

/** Shows how far things are: a bar for each on a terminal, a line for each change in a pipe. */
export class ProgressDisplay {
  readonly #bars: MultiBar | undefined;
  readonly #byName = new Map<string, SingleBar>();

  constructor(output: NodeJS.WriteStream = process.stdout) {
    if (!output.isTTY) return;
    const format = '{name} [{bar}] {percentage}% {status}';
    this.#bars = new MultiBar({ format, stream: output, hideCursor: true, emptyOnZero: true }, Presets.legacy);
  }

  show(name: string, status: string, current: number, total: number): void {
    const shown = { name: printable(name), status: printable(status) };
    if (!this.#bars) {
      process.stdout.write(`${shown.name} ${shown.status} ${current}/${total}\n`);
      return;
    }
    const bar = this.#byName.get(name) ?? this.#bars.create(total, current, shown);
    this.#byName.set(name, bar);
    bar.setTotal(total);
    bar.update(current, shown);
  }

  /** Gives the terminal back. */
  end(): void {
    this.#bars?.stop();
  }
}
