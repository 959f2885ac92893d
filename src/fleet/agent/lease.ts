import { randomUUID } from 'node:crypto';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { KV, KvEntry } from '@nats-io/kv';
import { StateError } from '../../protocol/errors.js';
import { explained, isSilence } from '../nats-errors.js';
import { tokenOf } from '../subjects.js';
import { BEATS, readObject } from '../wire.js';
import { isGone, readHolder, thisHolder, type Holder } from './holder.js';
import { patiently, type Stores } from './stores.js';

/** The server's codes for "somebody else has written meanwhile". */
const WRONG_LAST_SEQUENCE = [10071, 10164];
/** Tries of a claim that others release or take over at the same moment. */
const TRIES = 5;

/** In the year 2286: an epoch from there on was made up, and one above it would have no room in a number's digits. */
const NO_CLOCK = 1e13;

/** How a renewal went. */
export type Renewal =
  /** It is ours still. */
  | 'held'
  /** It had run out and is ours again, with a new epoch. */
  | 'claimed'
  /** Another agent has it. */
  | 'lost'
  /** The server did not answer. */
  | 'unknown';

/** The claim of one agent to a host: nobody else may serve it, and each claim's epoch is above that of those before. */
export class Lease {
  readonly #stores: Stores;
  readonly #host: string;
  readonly #key: string;
  readonly #every: number;
  readonly #holder: Holder = thisHolder(randomUUID());
  #revision = 0;
  #epoch = 0;
  /** It has run out, or never was: what is written next is a claim. */
  #lapsed = true;
  #busy: Promise<Renewal> | undefined;
  #making: Promise<void> | undefined;

  private constructor(stores: Stores, host: string, every: number) {
    this.#stores = stores;
    this.#host = host;
    this.#key = tokenOf(host);
    this.#every = every;
  }

  /** @throws StateError with who has it, if another agent serves the host */
  static async claim(stores: Stores, host: string, every: number): Promise<Lease> {
    const lease = new Lease(stores, host, every);
    const other = await patiently(() => lease.#claim()).catch((error: unknown) => {
      throw explained(error, `the claim of ${host}`);
    });
    if (other !== undefined) throw new StateError(lease.#taken(other));
    return lease;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Never rejects. */
  renew(): Promise<Renewal> {
    this.#busy ??= this.#renew().finally(() => {
      this.#busy = undefined;
    });
    return this.#busy;
  }

  /** Lets the next agent begin at once. */
  async release(): Promise<void> {
    await this.#busy;
    await this.#bucket.delete(this.#key, { previousSeq: this.#revision }).catch(() => undefined);
  }

  get #bucket(): KV {
    return this.#stores.agents;
  }

  get #value(): string {
    return JSON.stringify(this.#holder);
  }

  async #renew(): Promise<Renewal> {
    try {
      return await (this.#lapsed ? this.#compare() : this.#update());
    } catch (error) {
      if (isSilence(error)) return 'unknown';
      // The bucket may be gone: then its subject has no listener, which looks like an election.
      this.#making ??= this.#stores
        .make()
        .catch(() => undefined)
        .finally(() => {
          this.#making = undefined;
        });
      return 'unknown';
    }
  }

  async #update(): Promise<Renewal> {
    try {
      this.#revision = await this.#bucket.update(this.#key, this.#value, this.#revision);
      return 'held';
    } catch (error) {
      if (isConflict(error)) return this.#compare();
      throw error;
    }
  }

  /** The claim has changed: by ourselves, where only the server's answer was lost; or it has run out, and perhaps is another's. */
  async #compare(): Promise<Renewal> {
    const entry = await this.#bucket.get(this.#key);
    if (!this.#lapsed && this.#isOurs(entry)) return 'held';
    this.#lapsed = true;
    return (await this.#claim()) === undefined ? 'claimed' : 'lost';
  }

  /** Undefined once it is ours; else who has it. */
  async #claim(): Promise<Holder | 'unknown' | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        this.#revision = await this.#bucket.create(this.#key, this.#value);
        await this.#begin();
        return undefined;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      const entry = await this.#bucket.get(this.#key);
      // Of a try whose answer was lost.
      if (this.#isOurs(entry)) {
        await this.#begin();
        return undefined;
      }
      if (entry?.operation !== 'PUT') {
        if (tries === TRIES) return 'unknown';
        continue;
      }
      const holder = readHolder(entry.string());
      if (!holder || !isGone(holder) || tries === TRIES) return holder ?? 'unknown';
      await this.#bucket.delete(this.#key, { previousSeq: entry.revision }).catch(() => undefined);
    }
  }

  async #begin(): Promise<void> {
    this.#epoch = await this.#newEpoch();
    this.#lapsed = false;
  }

  /** Then it goes on from there. */
  #isOurs(entry: KvEntry | null): boolean {
    if (entry?.operation !== 'PUT' || readHolder(entry.string())?.id !== this.#holder.id) return false;
    this.#revision = entry.revision;
    return true;
  }

  /** The server's clock, so that it grows also in a bucket made again; and above all that is in the log, if that clock was set back. */
  async #newEpoch(): Promise<number> {
    const entry = await this.#bucket.get(this.#key, { revision: this.#revision });
    const logged = Number(/:(\d{1,15})\./.exec((await this.#stores.latestId(this.#key)) ?? '')?.[1] ?? 0);
    const known = readObject((await this.#stores.vms.get(this.#key))?.string() ?? '')?.['epoch'];
    const written = [logged, known].filter((epoch) => Number.isSafeInteger(epoch) && (epoch as number) < NO_CLOCK);
    const before = Math.max(this.#epoch, ...(written as number[]));
    return Math.max(entry?.created.getTime() ?? 0, before + 1);
  }

  #taken(holder: Holder | 'unknown'): string {
    const who =
      holder === 'unknown'
        ? 'somebody else'
        : `process ${holder.pid} on ${JSON.stringify(holder.hostname)}, since ${holder.since}`;
    const seconds = (BEATS * this.#every) / 1000;
    return `${this.#host} is served by another agent: ${who}. Stop that one, or give this one a --host of its own; if it has died, its claim ends within ${seconds} s`;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.includes(error.code);
}
