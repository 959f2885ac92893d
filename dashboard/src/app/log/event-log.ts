import { CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport } from '@angular/cdk/scrolling';
import { JsonPipe } from '@angular/common';
import { ChangeDetectionStrategy, Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Clock } from '../clock';
import { EventStore, LOG_LIMIT, type LogEntry } from '../events/event-store';
import { TONES } from '../events/tone';
import { clockTime, dayOf } from '../format';
import { LogFilter } from './log-filter';

/** Seconds between two announcements to a screen reader. */
const ANNOUNCE = 5;

/** The events of all VMs, or of one, as they come, the newest on top. */
@Component({
  selector: 'app-event-log',
  imports: [CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport, JsonPipe],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './event-log.html',
  styleUrl: './event-log.css',
})
export class EventLog {
  /** The only VM it shows, on that VM's page. */
  readonly only = input<string>();
  readonly #store = inject(EventStore);
  readonly #clock = inject(Clock);
  readonly #frozen = signal<readonly LogEntry[] | undefined>(undefined);
  #announced = { at: 0, id: 0, text: '' };

  readonly filter = inject(LogFilter);
  readonly names = this.#store.names;
  readonly tones = [...TONES].reverse();
  readonly lineHeight = 24;
  readonly selected = signal<LogEntry | undefined>(undefined);
  readonly copied = signal('');
  readonly paused = computed(() => this.#frozen() !== undefined);
  readonly rows = computed(() => {
    const only = this.only();
    const entries = this.#frozen() ?? this.#store.entries();
    if (only === undefined) return entries.filter(this.filter.accepts()).reverse();
    return [...this.#store.past(only).entries, ...entries.filter(({ vm }) => vm === only)].reverse();
  });
  /** Why the past of the only VM could not be read. */
  readonly problem = computed(() => {
    const only = this.only();
    return only === undefined ? undefined : this.#store.past(only).problem;
  });
  readonly filtered = computed(() => this.only() === undefined && this.filter.isSet());
  readonly summary = computed(() => {
    const count = this.rows().length;
    return `${count}${count >= LOG_LIMIT ? ' kept' : ''}${this.filtered() ? ' matching' : ''}`;
  });
  readonly rangeText = computed(() => {
    const range = this.filter.range();
    return range && `${clockTime(new Date(range.from)).slice(0, 8)} to ${clockTime(new Date(range.to)).slice(0, 8)}`;
  });
  /** What came in while the log stood still. */
  readonly waiting = computed(() => {
    const last = this.#frozen()?.at(-1)?.id ?? 0;
    return this.paused() ? this.#store.entries().filter(({ id }) => id > last).length : 0;
  });
  /** For screen readers: a summary every few seconds, since nobody can listen to a burst. */
  readonly announcement = computed(() => {
    const now = this.#clock.now();
    const latest = this.rows()[0];
    const said = this.#announced;
    if (!latest || this.paused() || latest.id === said.id || now - said.at < ANNOUNCE * 1_000) return said.text;
    const news = this.rows().findIndex(({ id }) => id <= said.id);
    const text = `${news === -1 ? this.rows().length : news} new, the latest: ${latest.name} on ${latest.vm}`;
    this.#announced = { at: now, id: latest.id, text };
    return text;
  });

  constructor() {
    effect(() => {
      const only = this.only();
      if (only === undefined) return;
      untracked(() => {
        this.#store.loadPast(only);
      });
    });
  }

  readonly clockTime = clockTime;
  readonly dayOf = dayOf;
  readonly idOf = (_place: number, { id }: LogEntry): number => id;

  togglePause(): void {
    this.#frozen.set(this.paused() ? undefined : this.#store.entries());
  }

  clear(): void {
    this.#store.clear();
    this.selected.set(undefined);
    if (this.paused()) this.#frozen.set([]);
  }

  select(entry: LogEntry): void {
    this.selected.update((before) => (before === entry ? undefined : entry));
  }

  /** What is shown, as JSON lines, oldest first. */
  copyEvents(): Promise<void> {
    const lines = [...this.rows()].reverse().map(({ vm, time, name, data, position }) => {
      return JSON.stringify({ time: time.toISOString(), vm, event: name, data, position });
    });
    return this.#copy(`${lines.join('\n')}\n`, `${lines.length} entries are in the clipboard`);
  }

  /** The address has the filter in it, and no token. */
  copyLink(): Promise<void> {
    return this.#copy(location.href, 'the link is in the clipboard');
  }

  async #copy(text: string, said: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.copied.set(said);
    } catch (error) {
      this.copied.set(`the browser did not allow it: ${String(error)}`);
    }
  }
}
