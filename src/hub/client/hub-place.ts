import {
  positionOf,
  type ChangeFrame,
  type EventFrame,
  type HubEvent,
  type HubGap,
  type HubGreeting,
} from '../protocol.js';

export interface HubPlaceHost {
  event(event: HubEvent): void;
  gap(gap: HubGap): void;
}

/** The end of a connection, until the next one has begun. */
interface Loss {
  readonly since: Date;
  readonly cause: Error;
}

/** Where a reader of `/events` is: what it asks for when it connects again, and which events are missing. */
export class HubPlace {
  readonly #host: HubPlaceHost;
  /** How many events from before the first connection are wanted. */
  readonly #last: number;
  #epoch: string | undefined;
  #n = 0;
  /** The number of the latest event of each VM. */
  readonly #ks = new Map<string, number>();
  /** How many events each VM had had when the connection began again: what is kept of them comes before any above `n`. */
  #owed: { readonly n: number; readonly ks: ReadonlyMap<string, number> } | undefined;
  /** The same of the first connection: events up to `n` are from before it, and nobody counted them. */
  #begin: { readonly n: number; readonly ks: ReadonlyMap<string, number> } = { n: 0, ks: new Map() };
  #loss: Loss | undefined;
  #heardAt = new Date();

  constructor(host: HubPlaceHost, last: number) {
    this.#host = host;
    this.#last = last;
  }

  /** What to ask the hub for: after the first connection, to go on where the one before has ended. */
  get query(): string {
    if (this.#epoch !== undefined) return `?after=${positionOf(this.#epoch, this.#n)}`;
    return this.#last > 0 ? `?last=${this.#last}` : '';
  }

  /** The connection has ended, or could not be made again. */
  lost(cause: Error): void {
    this.#loss ??= { since: new Date(), cause };
  }

  greeted({ hub: { epoch }, n, vms }: HubGreeting): void {
    const known = this.#epoch;
    const ks = new Map(vms.map(({ name, events }) => [name, events]));
    if (epoch === known) {
      this.#owed = { n, ks };
      for (const name of ks.keys()) if (!this.#ks.has(name)) this.#ks.set(name, 0);
      return;
    }
    this.#epoch = epoch;
    this.#ks.clear();
    // To one who knows another epoch, the hub sends all that it has.
    this.#n = known === undefined && this.#last === 0 ? n : 0;
    if (known === undefined) this.#begin = { n, ks };
    else this.#tellGap();
    this.#loss = undefined;
  }

  heard(frame: EventFrame): void {
    const { vm, n, k, event } = frame;
    if (this.#epoch === undefined || n <= this.#n) return;
    if (this.#owed && n > this.#owed.n) this.#settle();
    const known = this.#ks.get(vm) ?? (n > this.#begin.n ? this.#begin.ks.get(vm) : undefined);
    // A smaller number is that of another VM of the same name.
    const missed = known === undefined ? 0 : k > known ? k - known - 1 : k - 1;
    if (missed > 0) this.#tellGap({ vm, missed });
    this.#ks.set(vm, k);
    this.#n = n;
    this.#heardAt = new Date();
    this.#host.event({ vm, event, position: positionOf(this.#epoch, n) });
  }

  changed({ added = [], removed = [] }: ChangeFrame): void {
    for (const name of removed) this.#ks.delete(name);
    for (const { name, events } of added) if (!this.#ks.has(name)) this.#ks.set(name, events);
  }

  /** All that was kept has come: what is still owed is lost. */
  #settle(): void {
    for (const [vm, owed] of this.#owed?.ks ?? []) {
      const missed = owed - (this.#ks.get(vm) ?? owed);
      if (missed > 0) this.#tellGap({ vm, missed });
      this.#ks.set(vm, Math.max(owed, this.#ks.get(vm) ?? 0));
    }
    this.#owed = undefined;
    this.#loss = undefined;
  }

  #tellGap(what?: { readonly vm: string; readonly missed: number }): void {
    const { since = this.#heardAt, cause } = this.#loss ?? {};
    this.#host.gap({ ...what, since, until: new Date(), ...(cause && { cause }) });
  }
}
