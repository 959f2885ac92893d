import type { ElementRef } from '@angular/core';
import {
  afterNextRender,
  ChangeDetectionStrategy,
  Component,
  computed,
  DestroyRef,
  inject,
  signal,
  viewChild,
} from '@angular/core';
import { injectQmpHub } from 'rx-qmp/angular';
import { Clock } from './clock';
import { duration } from './format';
import { Recorder } from './recorder';
import { BARS_HEIGHT, rowOf } from './timeline-row';
import { TONES } from './tone';
import { Track } from './track';

const PARTS = 5;

/** What happened on each VM in the last minutes, as a picture. */
@Component({
  selector: 'app-timeline',
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './timeline.html',
  styleUrl: './timeline.css',
})
export class Timeline {
  readonly #hub = injectQmpHub();
  readonly #recorder = inject(Recorder);
  readonly #clock = inject(Clock);
  readonly #width = signal(600);
  protected readonly ruler = viewChild.required<ElementRef<HTMLElement>>('ruler');

  readonly tones = [...TONES].reverse();
  readonly spans = [1, 5, 15];
  readonly span = signal(5);
  readonly height = BARS_HEIGHT;
  readonly width = this.#width.asReadonly();
  readonly ticks = computed(() =>
    Array.from({ length: PARTS + 1 }, (_, part) => ({
      part,
      x: (this.width() * part) / PARTS,
      label: part === PARTS ? 'now' : `−${duration(this.span() * 60_000 * (1 - part / PARTS))}`,
    })),
  );
  readonly rows = computed(() => {
    const tracks = this.#recorder.tracks();
    const frame = { now: this.#clock.now() + 1_000, span: this.span() * 60_000, width: this.width() };
    return this.#hub.vms().map(({ name }) => rowOf(name, tracks.get(name) ?? new Track(), frame));
  });

  constructor() {
    const destroyRef = inject(DestroyRef);
    afterNextRender(() => {
      const observer = new ResizeObserver(([entry]) => {
        if (entry) this.#width.set(Math.max(100, Math.floor(entry.contentRect.width)));
      });
      observer.observe(this.ruler().nativeElement);
      destroyRef.onDestroy(() => {
        observer.disconnect();
      });
    });
  }
}
