import { DestroyRef, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { auditTime, tap } from 'rxjs';
import { timeOf, type QmpEvent } from 'rx-qmp';
import { injectQmpHub } from 'rx-qmp/angular';
import { duration, oneLine } from './format';
import { Ring } from './ring';
import { toneOf, type Tone } from './tone';
import { Track, type Phase } from './track';

export interface LogEntry {
  readonly id: number;
  readonly vm: string;
  /** By the clock of QEMU's host; of a gap, by ours. */
  readonly time: Date;
  /** The event's name; of a gap, what happened. */
  readonly name: string;
  readonly tone: Tone | 'gap';
  readonly detail: string;
  readonly data?: unknown;
}

export const LOG_LIMIT = 2_000;
/** Milliseconds between two updates of the page, however many events come. */
const FLUSH = 200;

/** Listens to the hub for as long as the page is open, and keeps what log and timeline show. Its memory is bounded. */
@Injectable({ providedIn: 'root' })
export class Recorder {
  readonly #hub = injectQmpHub();
  readonly #log = new Ring<LogEntry>(LOG_LIMIT);
  readonly #tracks = new Map<string, Track>();
  readonly #runs = new Map<string, Phase>();
  /** Since when each VM is out of sight. */
  readonly #gaps = new Map<string, number>();
  readonly #entries = signal<readonly LogEntry[]>([]);
  readonly #tracksOf = signal<ReadonlyMap<string, Track>>(new Map());
  readonly #names = signal<readonly string[]>([]);
  readonly #counts = new Map<string, number>();
  readonly #total = signal(0);
  #lastId = 0;

  /** The latest {@link LOG_LIMIT} events and gaps, oldest first. */
  readonly entries = this.#entries.asReadonly();
  /** A new map whenever a track has changed. */
  readonly tracks = this.#tracksOf.asReadonly();
  /** The names of the events seen so far, in alphabetical order. */
  readonly names = this.#names.asReadonly();
  readonly total = this.#total.asReadonly();

  constructor() {
    const subscription = this.#hub.events$
      .pipe(
        tap(({ vm, event }) => {
          this.#record(vm, event);
        }),
        auditTime(FLUSH),
      )
      .subscribe(() => {
        this.#flush();
      });
    inject(DestroyRef).onDestroy(() => {
      subscription.unsubscribe();
    });
    effect(() => {
      const connected = this.#hub.state().phase === 'open';
      const vms = this.#hub.vms();
      untracked(() => {
        for (const vm of vms) {
          if (!connected) this.#lose(vm.name, 'the hub is out of reach');
          else if (vm.state === 'ready') this.#regain(vm.name);
          else if (vm.state === 'gone') this.#lose(vm.name, vm.reason ?? 'QEMU has ended');
        }
        this.#forgetOthers(new Set(vms.map(({ name }) => name)));
        this.#flush();
      });
    });
  }

  /** How many events of this VM were seen. */
  count(vm: string): number {
    this.#entries();
    return this.#counts.get(vm) ?? 0;
  }

  /** Notes whether the guest runs. */
  enter(vm: string, phase: Phase): void {
    this.#runs.set(vm, phase);
    if (this.#gaps.has(vm)) return;
    this.#track(vm).enter(phase, Date.now());
    this.#flush();
  }

  clear(): void {
    this.#log.clear();
    this.#flush();
  }

  #record(vm: string, event: QmpEvent): void {
    const tone = toneOf(event.event);
    this.#counts.set(vm, (this.#counts.get(vm) ?? 0) + 1);
    this.#track(vm).event(tone, Date.now());
    this.#note({ vm, time: timeOf(event), name: event.event, tone, detail: oneLine(event.data), data: event.data });
    if (!this.#names().includes(event.event)) this.#names.update((names) => [...names, event.event].sort());
  }

  #lose(vm: string, why: string): void {
    if (this.#gaps.has(vm)) return;
    const now = Date.now();
    this.#gaps.set(vm, now);
    this.#track(vm).enter('gap', now);
    this.#note({ vm, time: new Date(now), name: 'gap begins', tone: 'gap', detail: why });
  }

  #regain(vm: string): void {
    const since = this.#gaps.get(vm);
    const now = Date.now();
    if (since !== undefined) {
      this.#gaps.delete(vm);
      const detail = `after ${duration(now - since)}, of which nothing is known: QEMU keeps no events for later`;
      this.#note({ vm, time: new Date(now), name: 'gap ends', tone: 'gap', detail });
    }
    this.#track(vm).enter(this.#runs.get(vm) ?? 'unknown', now);
  }

  #note(entry: Omit<LogEntry, 'id'>): void {
    this.#log.push({ id: ++this.#lastId, ...entry });
  }

  #track(vm: string): Track {
    const track = this.#tracks.get(vm) ?? new Track();
    this.#tracks.set(vm, track);
    return track;
  }

  #forgetOthers(names: ReadonlySet<string>): void {
    for (const name of this.#tracks.keys()) {
      if (names.has(name)) continue;
      for (const map of [this.#tracks, this.#runs, this.#gaps, this.#counts]) map.delete(name);
    }
  }

  #flush(): void {
    this.#entries.set(this.#log.snapshot());
    this.#tracksOf.set(new Map(this.#tracks));
    this.#total.set([...this.#counts.values()].reduce((sum, count) => sum + count, 0));
  }
}
