import { computed, effect, inject, Injectable, signal, untracked } from '@angular/core';
import type { LogEntry } from '../events/event-store';
import type { Tone } from '../events/tone';
import { Route } from '../route';

export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** What the log shows. It stands in the address of the page, so that a filtered log is a link. */
@Injectable({ providedIn: 'root' })
export class LogFilter {
  readonly #route = inject(Route);
  readonly vm = signal('');
  readonly name = signal('');
  readonly text = signal('');
  readonly tone = signal<Tone | 'gap' | ''>('');
  /** Picked in the timeline. */
  readonly range = signal<TimeRange | undefined>(undefined);

  readonly #parameters = computed(() => {
    const range = this.range();
    const parts = {
      vm: this.vm(),
      name: this.name(),
      text: this.text(),
      tone: this.tone(),
      from: range ? new Date(range.from).toISOString() : '',
      to: range ? new Date(range.to).toISOString() : '',
    };
    return new URLSearchParams(Object.entries(parts).filter(([, value]) => value !== ''));
  });

  readonly isSet = computed(() => [...this.#parameters().keys()].length > 0);

  constructor() {
    // A link with a filter in it, opened or followed.
    effect(() => {
      const linked = this.#route.parameters();
      untracked(() => {
        if (linked.toString() !== '' && linked.toString() !== this.#parameters().toString()) this.#read(linked);
      });
    });
    effect(() => {
      const parameters = this.#parameters();
      if (this.#route.place().kind !== 'list') return;
      untracked(() => {
        this.#route.keep(parameters);
      });
    });
  }

  clear(): void {
    this.#read(new URLSearchParams());
  }

  /** Whether an entry is shown: asked for thousands at a time, so the filter is read once for all of them. */
  readonly accepts = computed<(entry: LogEntry) => boolean>(() => {
    const vm = this.vm().trim().toLowerCase();
    const names = this.name()
      .toUpperCase()
      .split(/[\s,]+/)
      .filter(Boolean);
    const text = this.text().trim().toLowerCase();
    const tone = this.tone();
    const range = this.range();
    return (entry) =>
      (vm === '' || entry.vm.toLowerCase().includes(vm)) &&
      (names.length === 0 || entry.tone === 'gap' || names.some((name) => entry.name.includes(name))) &&
      (text === '' || entry.detail.toLowerCase().includes(text)) &&
      (tone === '' || entry.tone === tone) &&
      (!range || (entry.time.getTime() >= range.from && entry.time.getTime() <= range.to));
  });

  #read(parameters: URLSearchParams): void {
    this.vm.set(parameters.get('vm') ?? '');
    this.name.set(parameters.get('name') ?? '');
    this.text.set(parameters.get('text') ?? '');
    this.tone.set((parameters.get('tone') ?? '') as Tone | '');
    const [from, to] = [Date.parse(parameters.get('from') ?? ''), Date.parse(parameters.get('to') ?? '')];
    this.range.set(Number.isNaN(from) || Number.isNaN(to) ? undefined : { from, to });
  }
}
