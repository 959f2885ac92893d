import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { JsonPipe } from '@angular/common';
import { injectQmpHub } from 'rx-qmp/angular';
import { Clock } from './clock';
import { clockTime } from './format';
import { LOG_LIMIT, Recorder, type LogEntry } from './recorder';

/** More rows than this nobody reads, and a browser takes its time to lay them out. */
const ROWS = 100;
/** Seconds between two announcements to a screen reader. */
const ANNOUNCE = 5;

/** The events of all VMs as they come, the newest on top. */
@Component({
  selector: 'app-event-log',
  imports: [JsonPipe],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './event-log.html',
  styleUrl: './event-log.css',
})
export class EventLog {
  readonly #recorder = inject(Recorder);
  readonly #clock = inject(Clock);
  readonly #frozen = signal<readonly LogEntry[] | undefined>(undefined);
  #announced = { at: 0, id: 0, text: '' };

  readonly vms = injectQmpHub().vms;
  readonly names = this.#recorder.names;
  readonly name = signal('');
  readonly vm = signal('');
  readonly paused = computed(() => this.#frozen() !== undefined);
  readonly filtered = computed(() => this.name().trim() !== '' || this.vm() !== '');
  readonly #matching = computed(() => {
    const wanted = this.name()
      .toUpperCase()
      .split(/[\s,]+/)
      .filter((part) => part !== '');
    const vm = this.vm();
    return (this.#frozen() ?? this.#recorder.entries()).filter(
      (entry) =>
        (vm === '' || entry.vm === vm) &&
        (wanted.length === 0 || entry.tone === 'gap' || wanted.some((part) => entry.name.includes(part))),
    );
  });
  readonly rows = computed(() => this.#matching().slice(-ROWS).reverse());
  readonly summary = computed(() => {
    const count = this.#matching().length;
    const shown = count > ROWS ? `latest ${ROWS} of ${count}` : `${count}`;
    return `${shown}${count >= LOG_LIMIT ? ' kept' : ''}${this.filtered() ? ' matching' : ''}`;
  });
  /** What came in while the log stood still. */
  readonly waiting = computed(() => {
    const last = this.#frozen()?.at(-1)?.id ?? 0;
    return this.paused() ? this.#recorder.entries().filter(({ id }) => id > last).length : 0;
  });
  /** For screen readers: a summary every few seconds, since nobody can listen to a burst. */
  readonly announcement = computed(() => {
    const now = this.#clock.now();
    const latest = this.rows()[0];
    const said = this.#announced;
    if (!latest || this.paused() || latest.id === said.id || now - said.at < ANNOUNCE * 1_000) return said.text;
    const news = this.rows().filter(({ id }) => id > said.id).length;
    const text = `${news === ROWS ? `${news} or more` : news} new, the latest: ${latest.name} on ${latest.vm}`;
    this.#announced = { at: now, id: latest.id, text };
    return text;
  });

  readonly clockTime = clockTime;

  togglePause(): void {
    this.#frozen.set(this.paused() ? undefined : this.#recorder.entries());
  }

  clear(): void {
    this.#recorder.clear();
    if (this.paused()) this.#frozen.set([]);
  }

  resetFilter(): void {
    this.name.set('');
    this.vm.set('');
  }
}
