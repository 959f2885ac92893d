import { CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport } from '@angular/cdk/scrolling';
import { ChangeDetectionStrategy, Component, computed, effect, inject, signal, viewChild } from '@angular/core';
import { toObservable, toSignal } from '@angular/core/rxjs-interop';
import { EMPTY, startWith, switchMap } from 'rxjs';
import { Clock } from '../clock';
import { Choice } from '../choice';
import { EventStore, type LastEvent } from '../events/event-store';
import { duration } from '../format';
import { Pulse } from '../pulse';
import { urlOf } from '../route';
import { JobBar } from './job-bar';
import { grouped, itemOf, ordered, SORTS, type ListItem, type Sort } from './vm-order';
import type { VmRow } from './vm-row';
import { VmStore } from './vm-store';

/** The VMs: dense, searchable, sortable, grouped; only the lines in sight exist. */
@Component({
  selector: 'app-vm-list',
  imports: [CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport, JobBar],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './vm-list.html',
  styleUrl: './vm-list.css',
})
export class VmList {
  readonly #store = inject(VmStore);
  readonly #events = inject(EventStore);
  readonly #clock = inject(Clock);
  readonly #pulse = inject(Pulse);
  readonly choice = inject(Choice);
  readonly viewport = viewChild(CdkVirtualScrollViewport);

  readonly lineHeight = 26;
  readonly sorts = SORTS;
  readonly search = signal('');
  readonly sort = signal<Sort>('name');
  readonly byGroup = signal(false);

  readonly rows = computed(() => {
    if (this.sort() === 'event') this.#pulse.beat();
    return ordered(this.#store.rows(), this.search(), this.sort(), {
      isOpen: (row) => this.#store.isOpen(row),
      rank: this.#store.rank(),
      lastEvent: (row) => this.#lastOf(row)?.time ?? 0,
    });
  });
  readonly items = computed<readonly ListItem[]>(() =>
    this.byGroup() ? grouped(this.rows(), (row) => this.#store.isOpen(row)) : this.rows().map(itemOf),
  );
  readonly total = computed(() => this.#store.rows().length);
  /** Looks at the clock and the events once for all lines. */
  readonly #moment = computed(() => ({ now: this.#clock.now(), beat: this.#pulse.beat() }));

  readonly #range = toSignal(
    toObservable(this.viewport).pipe(
      switchMap((viewport) => viewport?.renderedRangeStream.pipe(startWith(viewport.getRenderedRange())) ?? EMPTY),
    ),
    { initialValue: { start: 0, end: 0 } },
  );

  readonly urlOf = urlOf;
  readonly keyOf = (_place: number, { key }: ListItem): string => key;

  constructor() {
    // Tells the timeline which VMs are in sight.
    effect(() => {
      const { start, end } = this.#range();
      const inSight = this.items().slice(start, end);
      this.choice.see(inSight.flatMap((item) => (item.kind === 'vm' ? [item.row.name] : [])));
    });
  }

  isOpen(row: VmRow): boolean {
    return this.#store.isOpen(row);
  }

  acknowledge(row: VmRow): void {
    this.#store.acknowledge(row);
  }

  last(row: VmRow): string {
    const { now } = this.#moment();
    const event = this.#lastOf(row);
    return event ? `${event.name} ${ago(now - event.time)}` : '';
  }

  sinceOf(row: VmRow): string {
    return duration(this.#moment().now - row.since);
  }

  /** The last that this page has heard, else the last that the hub has told of. */
  #lastOf({ name, info }: VmRow): LastEvent | undefined {
    const told = info.lastEvent;
    return this.#events.last(name) ?? (told && { name: told.event, time: Date.parse(told.time) });
  }

  /** Up and down move between the links of the lines, as in any list. */
  move(event: Event, step: number): void {
    const links = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('a.name')];
    const next = links[links.indexOf(document.activeElement as HTMLElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

function ago(milliseconds: number): string {
  return milliseconds < 2_000 ? 'now' : `${duration(milliseconds)} ago`;
}
