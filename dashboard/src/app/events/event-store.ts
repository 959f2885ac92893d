import { computed, DestroyRef, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { toArray, type Observer } from 'rxjs';
import { timeOf, type HubEvent, type HubGap } from 'rx-qmp';
import { injectQmpHub } from 'rx-qmp/angular';
import { oneLine } from '../format';
import { Pulse } from '../pulse';
import { phaseAfter, phaseOf, Track } from '../timeline/track';
import { VmStore } from '../vms/vm-store';
import { Ring } from './ring';
import { toneOf, type Tone } from './tone';

export interface LogEntry {
  /** Grows from old to new; entries from before the page was opened have negative ones. */
  readonly id: number;
  readonly vm: string;
  /** By the clock of QEMU's host; of a gap, by the hub's or ours. */
  readonly time: Date;
  /** The event's name; of a gap, what happened. */
  readonly name: string;
  readonly tone: Tone | 'gap';
  /** The data in one line. */
  readonly detail: string;
  readonly data?: unknown;
  /** Where the hub has it: names one event for ever. */
  readonly position?: string;
}

export interface LastEvent {
  readonly name: string;
  readonly time: number;
}

/** What the hub has of one VM from before the page was opened. */
export interface Past {
  readonly vm: string;
  /** Oldest first; empty until the hub has answered. */
  readonly entries: readonly LogEntry[];
  /** Why it could not be read. */
  readonly problem?: string;
}

export const LOG_LIMIT = 5_000;
/** Events from before the page was opened that are asked for of one VM. */
const PAST = 1_000;

/** Hears the hub for as long as the page is open, and keeps what log and timeline show. Its memory is bounded. */
@Injectable({ providedIn: 'root' })
export class EventStore {
  readonly #hub = injectQmpHub();
  readonly #vms = inject(VmStore);
  readonly #pulse = inject(Pulse);
  readonly #log = new Ring<LogEntry>(LOG_LIMIT);
  readonly #tracks = new Map<string, Track>();
  readonly #last = new Map<string, LastEvent>();
  readonly #seen = new Map<string, string>();
  readonly #names = signal<readonly string[]>([]);
  readonly #past = signal<Past | undefined>(undefined);
  #count = 0;
  #lastId = 0;

  /** The latest {@link LOG_LIMIT} events and gaps, oldest first. */
  readonly entries = computed(() => {
    this.#pulse.beat();
    return this.#log.snapshot();
  });
  /** The names of the events seen so far, in alphabetical order. */
  readonly names = this.#names.asReadonly();
  /** How many events there were. */
  readonly total = computed(() => {
    this.#pulse.beat();
    return this.#count;
  });

  constructor() {
    const subscriptions = [
      this.#hub.events$.subscribe((event) => {
        this.#record(event);
      }),
      this.#hub.gaps$.subscribe((gap) => {
        this.#recordGap(gap);
      }),
    ];
    inject(DestroyRef).onDestroy(() => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    });
    effect(() => {
      const rows = this.#vms.rows();
      untracked(() => {
        const now = Date.now();
        for (const row of rows) this.track(row.name).enter(phaseOf(row), now);
        if (this.#tracks.size > 2 * rows.length) this.#forgetOthers(new Set(rows.map(({ name }) => name)));
        this.#pulse.soon();
      });
    });
  }

  /** Asked for by {@link loadPast}. */
  past(vm: string): Past {
    const past = this.#past();
    return past?.vm === vm ? past : { vm, entries: [] };
  }

  /** For the log of one VM; that of the VM looked at before is forgotten. */
  loadPast(vm: string): void {
    if (this.#past()?.vm === vm) return;
    this.#past.set({ vm, entries: [] });
    const take = (past: Omit<Past, 'vm'>): void => {
      if (this.#past()?.vm === vm) this.#past.set({ vm, ...past });
    };
    this.#ask(vm, this.#seen.get(vm), {
      next: (events) => {
        take({ entries: events.map((event, place) => ({ id: place - events.length, ...entryOf(event) })) });
      },
      error: (error) => {
        take({ entries: [], problem: error instanceof Error ? error.message : String(error) });
      },
    });
  }

  last(vm: string): LastEvent | undefined {
    return this.#last.get(vm);
  }

  track(vm: string): Track {
    const track = this.#tracks.get(vm) ?? new Track();
    this.#tracks.set(vm, track);
    return track;
  }

  /** Takes what the hub has of a VM from before the page was opened into its track. Does nothing the second time. */
  loadHistory(vm: string): void {
    const track = this.track(vm);
    if (track.asked) return;
    track.asked = true;
    this.#ask(vm, undefined, {
      next: (events) => {
        const past = events.map(({ event }) => ({ time: timeOf(event).getTime(), ...marksOf(event.event) }));
        // With as many events as were asked for there may have been more before them.
        const since =
          past.length < PAST ? (this.#vms.byName().get(vm)?.since ?? Infinity) : (past[0]?.time ?? Infinity);
        track.learn(past, since);
        this.#pulse.soon();
      },
      error: () => {
        // That time stays empty, which is what is known of it, until the VM comes into sight again.
        track.asked = false;
      },
    });
  }

  clear(): void {
    this.#log.clear();
    this.#pulse.soon();
  }

  #ask(vm: string, before: string | undefined, take: Pick<Observer<readonly HubEvent[]>, 'next' | 'error'>): void {
    this.#hub
      .history(vm, { limit: PAST, ...(before !== undefined && { before }) })
      .pipe(toArray())
      .subscribe(take);
  }

  #record(received: HubEvent): void {
    const { vm, event, position } = received;
    const entry = entryOf(received);
    this.#last.set(vm, { name: entry.name, time: entry.time.getTime() });
    if (!this.#seen.has(vm)) this.#seen.set(vm, position);
    this.track(vm).mark(entry.time.getTime(), toneOf(event.event));
    this.#note(entry);
    if (!this.#names().includes(event.event)) this.#names.update((names) => [...names, event.event].sort());
    this.#count += 1;
  }

  #recordGap({ vm, since, until, missed, cause }: HubGap): void {
    const what = missed === undefined ? 'an unknown number of events is missing' : `${missed} events are missing`;
    const detail = `${what}${cause ? `: ${cause.message}` : ''}`;
    this.#note({ vm: vm ?? 'every VM', time: until, name: 'gap', tone: 'gap', detail });
    for (const [name, track] of this.#tracks) {
      if (vm === undefined || vm === name) track.gap(since.getTime(), until.getTime());
    }
  }

  #note(entry: Omit<LogEntry, 'id'>): void {
    this.#log.push({ id: ++this.#lastId, ...entry });
    this.#pulse.soon();
  }

  #forgetOthers(names: ReadonlySet<string>): void {
    for (const map of [this.#tracks, this.#last, this.#seen]) {
      for (const name of map.keys()) if (!names.has(name)) map.delete(name);
    }
  }
}

function entryOf({ vm, event, position }: HubEvent): Omit<LogEntry, 'id'> {
  const { event: name, data } = event;
  return { vm, time: timeOf(event), name, tone: toneOf(name), detail: oneLine(data), data, position };
}

function marksOf(name: string): { tone: Tone; phase: ReturnType<typeof phaseAfter> } {
  return { tone: toneOf(name), phase: phaseAfter(name) };
}
