import type { KV } from '@nats-io/kv';
import type { Logger } from '../../foundation/logger.js';
import { tokenOf } from '../subjects.js';

/** Puts at a time: a thousand at once run into the server's time-outs. */
const IN_FLIGHT = 32;
const RETRY = 1_000;

/**
 * What is known of the VMs, for those who come later: a bucket that has the last word of each key, written behind the agent's
 * back. Of changes that come faster than they are written the last one counts.
 */
export class PresenceBoard {
  readonly #bucket: KV;
  readonly #hostKey: string;
  readonly #make: () => Promise<void>;
  readonly #logger: Logger | undefined;
  /** All there is to be written, so that a bucket made again can be filled. `undefined` deletes. */
  readonly #values = new Map<string, string | undefined>();
  readonly #dirty = new Set<string>();
  #flying = new Set<string>();
  readonly #idle: (() => void)[] = [];
  #paused = false;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;
  #written = 0;

  /** @param make makes a bucket that is missing */
  constructor(bucket: KV, host: string, make: () => Promise<void>, logger: Logger | undefined) {
    this.#bucket = bucket;
    this.#hostKey = tokenOf(host);
    this.#make = make;
    this.#logger = logger;
  }

  /** Puts so far. */
  get written(): number {
    return this.#written;
  }

  /** @param vm undefined for the host itself */
  put(vm: string | undefined, value: object): void {
    const key = vm === undefined ? this.#hostKey : `${this.#hostKey}.${tokenOf(vm)}`;
    const text = JSON.stringify(value);
    if (this.#values.get(key) === text) return;
    this.#values.set(key, text);
    this.#dirty.add(key);
    this.#pump();
  }

  delete(vm: string): void {
    const key = `${this.#hostKey}.${tokenOf(vm)}`;
    if (!this.#values.has(key)) return;
    this.#values.set(key, undefined);
    this.#dirty.add(key);
    this.#pump();
  }

  /** The agent ends in good order. Each VM says so, since who may see one VM, or asks for one host, is not shown the host's entry. */
  stop(): void {
    for (const [key, text] of this.#values) {
      if (text === undefined) continue;
      this.#values.set(key, JSON.stringify({ ...(JSON.parse(text) as object), stopped: true }));
      this.#dirty.add(key);
    }
    this.#pump();
  }

  /** What is on its way may be lost: it is written again, and not waited for. */
  pause(): void {
    this.#paused = true;
    for (const key of this.#flying) this.#dirty.add(key);
    this.#flying = new Set();
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /** Resolves when all is written, or the signal aborts. */
  async settled(signal: AbortSignal): Promise<void> {
    if (this.#dirty.size + this.#flying.size === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
  }

  #pump(): void {
    for (const key of this.#dirty) {
      if (this.#paused || this.#ended || this.#retry || this.#flying.size >= IN_FLIGHT) return;
      if (this.#flying.has(key)) continue;
      this.#dirty.delete(key);
      this.#flying.add(key);
      void this.#write(key);
    }
    if (this.#dirty.size + this.#flying.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #write(key: string): Promise<void> {
    const value = this.#values.get(key);
    const flying = this.#flying;
    try {
      if (value === undefined) {
        await this.#bucket.purge(key);
        if (this.#values.get(key) === undefined) this.#values.delete(key);
      } else {
        await this.#bucket.put(key, value);
      }
      this.#written += 1;
    } catch (error) {
      if (flying === this.#flying) this.#failed(key, error as Error);
    } finally {
      flying.delete(key);
      this.#pump();
    }
  }

  #failed(key: string, error: Error): void {
    this.#dirty.add(key);
    if (this.#retry || this.#ended) return;
    this.#logger?.debug(`presence is not written: ${error.message}`);
    this.#retry = setTimeout(() => {
      void this.#again();
    }, RETRY);
  }

  /** The bucket may be gone, and with it what was written before. */
  async #again(): Promise<void> {
    try {
      const [first] = this.#values.keys();
      await this.#make();
      if (first !== undefined && !(await this.#bucket.get(first))) {
        for (const [key, value] of this.#values) if (value !== undefined) this.#dirty.add(key);
      }
    } catch (error) {
      this.#logger?.warn(`presence is not written: ${(error as Error).message}`);
    }
    this.#retry = undefined;
    this.#pump();
  }
}
