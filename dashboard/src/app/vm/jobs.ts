import { ChangeDetectionStrategy, Component, inject, input, signal } from '@angular/core';
import type { QmpClient, VmInfo } from 'rx-qmp';
import { Rights } from '../rights';
import { JobBar } from '../vms/job-bar';

const ACTIONS = [
  { command: 'job-complete', label: 'Complete', fits: ['ready'] },
  { command: 'job-cancel', label: 'Cancel', fits: ['created', 'running', 'paused', 'ready', 'standby'] },
  { command: 'job-dismiss', label: 'Dismiss', fits: ['concluded'] },
] as const;

/** The VM's jobs, whoever started them, and the last that failed. */
@Component({
  selector: 'app-jobs',
  imports: [JobBar],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { class: 'panel' },
  template: `
    <header><h3>Jobs</h3></header>
    @for (job of info().jobs; track job.id) {
      <div class="job-line">
        <app-job-bar [job]="job" />
        @for (action of actions; track action.command) {
          @if (may(action.command) && fits(action.fits, job.status)) {
            <button type="button" [attr.aria-label]="action.label + ' ' + job.id" (click)="run(action.command, job.id)">
              {{ action.label }}
            </button>
          }
        }
      </div>
    } @empty {
      <p class="none">No job.</p>
    }
    @if (info().failedJob; as failed) {
      <p class="failed">{{ failed.id }} failed{{ failed.error ? ': ' + failed.error : '' }}</p>
    }
    <p class="failed" role="alert">{{ failure() }}</p>
  `,
  styles: `
    .job-line {
      display: flex;
      gap: 0.5rem;
      padding: 0.15rem 0.75rem;
    }
    app-job-bar {
      flex: 1;
      min-width: 0;
    }
    .failed {
      margin: 0;
      padding: 0 0.75rem 0.3rem;
      color: var(--trouble);
      font-size: 0.8125rem;
    }
    .failed:empty {
      padding: 0;
    }
  `,
})
export class Jobs {
  readonly info = input.required<VmInfo>();
  readonly client = input.required<QmpClient>();
  readonly #rights = inject(Rights);
  readonly actions = ACTIONS;
  readonly failure = signal('');

  may(command: string): boolean {
    return this.#rights.may(command);
  }

  fits(statuses: readonly string[], status: string): boolean {
    return statuses.includes(status);
  }

  async run(command: (typeof ACTIONS)[number]['command'], id: string): Promise<void> {
    this.failure.set('');
    try {
      await this.client().execute(command, { id });
    } catch (error) {
      this.failure.set(error instanceof Error ? error.message : String(error));
    }
  }
}
