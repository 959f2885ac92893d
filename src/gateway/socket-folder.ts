import { watch, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../foundation/logger.js';
import { unixSocket } from '../transport/node/socket.js';
import { isVmName, type Vms } from './vms.js';

/** Looks again in any case after so many milliseconds: a folder may itself come and go, and some file systems tell nothing. */
const LOOK_INTERVAL = 10_000;
/** A guest agent's socket beside `NAME.qmp`; it may come later, or never. */
const AGENT = '.qga';
/** VMs that are gone and still shown. */
const GONE_SHOWN = 100;

/** Keeps the VMs in step with a folder of sockets. */
export class SocketFolder {
  readonly #path: string;
  readonly #vms: Vms;
  readonly #logger: Logger | undefined;
  /** The VMs that came from here, those that left last at the end; with whether the socket is there. */
  readonly #known = new Map<string, boolean>();
  readonly #skipped = new Set<string>();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #closed = false;

  constructor(path: string, vms: Vms, logger: Logger | undefined) {
    this.#path = path;
    this.#vms = vms;
    this.#logger = logger;
  }

  /** Resolves after the first look. Rejects if there is no such folder. */
  async start(): Promise<void> {
    await readdir(this.#path);
    this.#timer = setInterval(() => {
      this.#look();
    }, LOOK_INTERVAL);
    this.#look();
    await this.#looking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#stopWatching();
    await this.#looking;
  }

  #look(): void {
    if (this.#closed) return;
    this.#lookAgain = true;
    this.#looking ??= this.#lookUntilQuiet().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookUntilQuiet(): Promise<void> {
    while (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false;
      this.#watch();
      try {
        await this.#update(await this.#sockets());
      } catch (error) {
        this.#stopWatching();
        this.#logger?.warn(`${this.#path}: ${(error as Error).message}`);
        await this.#update(new Map());
      }
    }
  }

  #watch(): void {
    if (this.#watcher) return;
    try {
      this.#watcher = watch(this.#path, () => {
        this.#look();
      });
      this.#watcher.on('error', () => {
        this.#stopWatching();
      });
    } catch (error) {
      this.#logger?.warn(`${this.#path}: cannot be watched, only looked at now and then: ${(error as Error).message}`);
    }
  }

  #stopWatching(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Names and paths. */
  async #sockets(): Promise<Map<string, string>> {
    const sockets = new Map<string, string>();
    for (const file of (await readdir(this.#path)).sort()) {
      if (file.endsWith(AGENT)) continue;
      const path = join(this.#path, file);
      const isSocket = await stat(path).then(
        (stats) => stats.isSocket(),
        () => false, // gone meanwhile
      );
      const name = file.replace(/\.(sock|socket|qmp)$/, '');
      if (!isSocket) continue;
      if (sockets.has(name) || !isVmName(name) || (!this.#known.has(name) && this.#vms.get(name))) this.#skip(path);
      else sockets.set(name, path);
    }
    return sockets;
  }

  #skip(path: string): void {
    if (this.#skipped.has(path)) return;
    // Only to warn once; a folder of thousands of misnamed sockets is warned of again.
    if (this.#skipped.size > 1_000) this.#skipped.clear();
    this.#skipped.add(path);
    this.#logger?.warn(`${JSON.stringify(path)}: left out: its name is taken, or no name for a VM`);
  }

  async #update(sockets: ReadonlyMap<string, string>): Promise<void> {
    if (this.#closed) return;
    for (const [name, path] of sockets) this.#come(name, path);
    for (const [name, present] of [...this.#known]) {
      if (!present || sockets.has(name)) continue;
      this.#known.delete(name);
      this.#known.set(name, false);
      this.#vms.get(name)?.stop();
    }
    const gone = [...this.#known].filter(([, present]) => !present);
    for (const [name] of gone.slice(0, Math.max(0, gone.length - GONE_SHOWN))) {
      this.#known.delete(name);
      await this.#vms.remove(name);
    }
  }

  #come(name: string, path: string): void {
    if (this.#known.get(name)) return;
    const vm = this.#vms.get(name);
    try {
      if (vm) vm.start();
      else this.#vms.add(name, unixSocket(path), unixSocket(join(this.#path, `${name}${AGENT}`)));
      this.#known.set(name, true);
    } catch (error) {
      this.#logger?.warn(`${JSON.stringify(path)}: left out: ${(error as Error).message}`);
    }
  }
}
