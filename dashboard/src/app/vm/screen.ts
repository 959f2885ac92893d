import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { HubRequests } from '../hub-requests';

/** Milliseconds between two pictures. */
const PERIOD = 3_000;

/** What the VM's display shows, asked for again and again while it is looked at. */
@Component({
  selector: 'app-screen',
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { class: 'panel' },
  template: `
    <header>
      <h3>Screen</h3>
      <button type="button" [attr.aria-pressed]="!live()" (click)="live.set(!live())">Hold</button>
    </header>
    @if (picture(); as url) {
      <img [src]="url" [alt]="'The screen of ' + name()" />
    } @else {
      <p class="none">{{ failure() || 'Waiting for a picture …' }}</p>
    }
  `,
  styles: `
    img {
      display: block;
      width: 100%;
      background: #000;
      image-rendering: auto;
    }
  `,
})
export class Screen {
  readonly name = input.required<string>();
  readonly ready = input.required<boolean>();
  readonly #requests = inject(HubRequests);
  readonly live = signal(true);
  readonly picture = signal<string | undefined>(undefined);
  readonly failure = signal('');

  constructor() {
    effect((onCleanup) => {
      if (!this.ready() || !this.live()) return;
      const name = this.name();
      const stopping = new AbortController();
      void this.#show(name, stopping.signal);
      const timer = setInterval(() => {
        if (!document.hidden) void this.#show(name, stopping.signal);
      }, PERIOD);
      onCleanup(() => {
        clearInterval(timer);
        stopping.abort();
      });
    });
    inject(DestroyRef).onDestroy(() => {
      this.#replace(undefined);
    });
  }

  async #show(name: string, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#requests.get(`/vms/${encodeURIComponent(name)}/screen`, signal);
      const picture = await response.blob();
      if (!signal.aborted) this.#replace(URL.createObjectURL(picture));
    } catch (error) {
      if (!signal.aborted) this.failure.set(error instanceof Error ? error.message : String(error));
    }
  }

  #replace(url: string | undefined): void {
    const before = untracked(this.picture);
    this.picture.set(url);
    if (before !== undefined) URL.revokeObjectURL(before);
  }
}
