import {
  afterNextRender,
  ChangeDetectionStrategy,
  Component,
  computed,
  DestroyRef,
  effect,
  type ElementRef,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import { Choice } from '../choice';
import { Clock } from '../clock';
import { EventStore } from '../events/event-store';
import { TONES } from '../events/tone';
import { duration } from '../format';
import { LogFilter } from '../log/log-filter';
import { Pulse } from '../pulse';
import { urlOf } from '../route';
import { BARS_HEIGHT, timelineRow } from './timeline-row';

const PARTS = 5;
/** Milliseconds that the same VMs must be in sight before their past is asked for, so that scrolling by asks for nothing. */
const SETTLED = 250;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What happened on the chosen VMs, or on those in sight in the list, as a picture. */
@Component({
  selector: 'app-timeline',
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './timeline.html',
  styleUrl: './timeline.css',
})
export class Timeline {
  /** The only VM it shows, on that VM's page. */
  readonly only = input<string>();
  readonly #store = inject(EventStore);
  readonly #clock = inject(Clock);
  readonly #pulse = inject(Pulse);
  readonly #width = signal(600);
  /** Where the drag of a range began and where it is, in pixels. */
  readonly #drag = signal<readonly [number, number] | undefined>(undefined);
  protected readonly ruler = viewChild.required<ElementRef<HTMLElement>>('ruler');

  readonly choice = inject(Choice);
  readonly filter = inject(LogFilter);
  readonly tones = [...TONES].reverse();
  readonly spans = [
    { label: '5 min', length: 5 * MINUTE },
    { label: '1 h', length: HOUR },
    { label: '6 h', length: 6 * HOUR },
    { label: '1 d', length: 24 * HOUR },
    { label: '7 d', length: 7 * 24 * HOUR },
  ] as const;
  readonly span = signal<number>(5 * MINUTE);
  readonly height = BARS_HEIGHT;
  readonly width = this.#width.asReadonly();
  readonly urlOf = urlOf;

  readonly ticks = computed(() =>
    Array.from({ length: PARTS + 1 }, (_, part) => ({
      part,
      x: (this.width() * part) / PARTS,
      label: part === PARTS ? 'now' : `−${duration(this.span() * (1 - part / PARTS))}`,
    })),
  );
  readonly #frame = computed(() => {
    const to = this.#clock.now() + 1_000;
    return { from: to - this.span(), to, width: this.width() };
  });
  readonly #names = computed(() => {
    const only = this.only();
    return only === undefined ? this.choice.shown() : [only];
  });
  readonly rows = computed(() => {
    this.#pulse.beat();
    return this.#names().map((name) => timelineRow(name, this.#store.track(name), this.#frame()));
  });
  /** The picked range in pixels: while it is dragged, and after. */
  readonly picked = computed(() => {
    const drag = this.#drag();
    if (drag) return { x: Math.min(...drag), width: Math.abs(drag[1] - drag[0]) };
    const range = this.only() === undefined ? this.filter.range() : undefined;
    if (!range) return undefined;
    const [left, right] = [this.#x(range.from), this.#x(range.to)];
    return right < 0 ? undefined : { x: Math.max(0, left), width: Math.min(this.width(), right) - Math.max(0, left) };
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
    effect((onCleanup) => {
      const names = this.#names();
      const timer = setTimeout(() => {
        for (const name of names) this.#store.loadHistory(name);
      }, SETTLED);
      onCleanup(() => {
        clearTimeout(timer);
      });
    });
  }

  begin(event: PointerEvent): void {
    if (event.button !== 0 || this.only() !== undefined) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    this.#drag.set([event.offsetX, event.offsetX]);
  }

  drag(event: PointerEvent): void {
    const drag = this.#drag();
    if (drag) this.#drag.set([drag[0], Math.max(0, Math.min(this.width(), event.offsetX))]);
  }

  end(): void {
    const drag = this.#drag();
    this.#drag.set(undefined);
    if (!drag) return;
    const [left, right] = [Math.min(...drag), Math.max(...drag)];
    // A click, not a drag.
    this.filter.range.set(right - left < 4 ? undefined : { from: this.#time(left), to: this.#time(right) });
  }

  #x(time: number): number {
    const { from, to, width } = this.#frame();
    return (width * (time - from)) / (to - from);
  }

  #time(x: number): number {
    const { from, to, width } = this.#frame();
    return Math.round(from + (x * (to - from)) / width);
  }
}
