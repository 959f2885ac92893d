import { ChangeDetectionStrategy, Component, effect, inject, input, signal } from '@angular/core';
import { clockTime, dayOf } from '../format';
import { HubRequests } from '../hub-requests';

/** A command that somebody ran or was refused, as the hub tells it. */
interface AuditLine {
  readonly time: string;
  readonly peer: string;
  readonly token: string;
  readonly command: string;
  readonly outcome: 'done' | 'error' | 'refused' | 'unanswered';
  readonly times?: number;
}

const PERIOD = 5_000;

/** Who did what to the VM. */
@Component({
  selector: 'app-audit',
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { class: 'panel' },
  template: `
    <header><h3>Who did what</h3></header>
    @if (lines().length > 0) {
      <div class="scroll-x tall" tabindex="0" role="region" aria-label="Who did what">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Who</th>
              <th scope="col">Command</th>
              <th scope="col">Outcome</th>
            </tr>
          </thead>
          <tbody>
            @for (line of lines(); track $index) {
              <tr>
                <td [title]="dayOf(line.date)">{{ clockTime(line.date) }}</td>
                <td [title]="line.peer">{{ line.token }}</td>
                <td>{{ line.command }}</td>
                <td [class.bad]="line.outcome !== 'done'">
                  {{ line.outcome }}{{ line.times ? ' ×' + line.times : '' }}
                </td>
              </tr>
            }
          </tbody>
        </table>
      </div>
    } @else {
      <p class="none">{{ failure() || 'Nobody has changed anything yet.' }}</p>
    }
  `,
})
export class Audit {
  readonly name = input.required<string>();
  readonly #requests = inject(HubRequests);
  readonly lines = signal<readonly (AuditLine & { readonly date: Date })[]>([]);
  readonly failure = signal('');
  readonly clockTime = clockTime;
  readonly dayOf = dayOf;

  constructor() {
    effect((onCleanup) => {
      const name = this.name();
      const stopping = new AbortController();
      const ask = (): void => void this.#ask(name, stopping.signal);
      ask();
      const timer = setInterval(ask, PERIOD);
      onCleanup(() => {
        clearInterval(timer);
        stopping.abort();
      });
    });
  }

  async #ask(name: string, signal: AbortSignal): Promise<void> {
    if (document.hidden) return;
    try {
      const response = await this.#requests.get(`/vms/${encodeURIComponent(name)}/audit`, signal);
      const lines = (await response.text()).split('\n').filter(Boolean);
      const parsed = lines.map((line) => JSON.parse(line) as AuditLine);
      this.lines.set(parsed.map((line) => ({ ...line, date: new Date(line.time) })).reverse());
    } catch (error) {
      if (!signal.aborted) this.failure.set(error instanceof Error ? error.message : String(error));
    }
  }
}
