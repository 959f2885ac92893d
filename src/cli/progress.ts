import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { printable } from './terminal.js';

/** Shows how far things are: a bar for each on a terminal, a line for each change in a pipe. */
export class ProgressDisplay {
  #bars: MultiBar | undefined;
  readonly #byName = new Map<string, SingleBar>();

  constructor(output: NodeJS.WriteStream = process.stdout) {
    if (!output.isTTY) return;
    // Nothing of the terminal is changed that a second Ctrl-C could leave so, and no bar listens to signals.
    const untouched = { hideCursor: false, linewrap: true, gracefulExit: false };
    const barsize = Math.min(Math.max(output.columns - 40, 8), 20);
    const looks = { format: '{percentage}% [{bar}] {name} {status}', barsize, autopadding: true, emptyOnZero: true };
    // Redrawn, the last line hides the `^C` that the terminal writes into it.
    this.#bars = new MultiBar({ ...looks, ...untouched, stream: output, forceRedraw: true }, Presets.legacy);
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

  /** Leaves the bars as they are; what is written then stands below them. */
  end(): void {
    // With no bar it would write an empty line.
    if (this.#byName.size > 0) this.#bars?.stop();
    this.#bars = undefined;
    this.#byName.clear();
  }
}
