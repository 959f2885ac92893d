import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { bytes } from './format';
import type { Job } from './jobs';

@Component({
  selector: 'app-job-row',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="line">
      <span class="id" [title]="job().type">{{ job().id }}</span>
      <span class="how" [class.bad]="job().outcome === 'failed'">{{ how() }}</span>
    </div>
    <progress
      [attr.aria-label]="job().id"
      [attr.aria-valuetext]="how()"
      [class]="job().outcome ?? 'active'"
      [value]="job().outcome === 'finished' ? 1 : job().current"
      [max]="job().outcome === 'finished' ? 1 : job().total || 1"
    ></progress>
    @if (job().error; as error) {
      <p class="error">{{ error }}</p>
    }
  `,
  styles: `
    :host {
      display: block;
    }
    .line {
      display: flex;
      justify-content: space-between;
      gap: 0.75rem;
      font-size: 0.8125rem;
    }
    .id {
      font-family: var(--mono);
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .how {
      color: var(--muted);
      font-variant-numeric: tabular-nums;
      white-space: nowrap;
    }
    .bad,
    .error {
      color: var(--trouble);
    }
    .error {
      margin: 0.25rem 0 0;
      font-size: 0.75rem;
      overflow-wrap: anywhere;
    }
    progress {
      appearance: none;
      display: block;
      width: 100%;
      height: 6px;
      margin-top: 0.3rem;
      border: 0;
      border-radius: 3px;
      background: var(--track);
      overflow: hidden;
      color: var(--job);
    }
    progress::-webkit-progress-bar {
      background: var(--track);
    }
    progress::-webkit-progress-value {
      background: currentColor;
      border-radius: 3px;
      transition: width 0.4s linear;
    }
    progress::-moz-progress-bar {
      background: currentColor;
      border-radius: 3px;
    }
    .finished {
      color: var(--running);
    }
    .failed {
      color: var(--trouble);
    }
  `,
})
export class JobRow {
  readonly job = input.required<Job>();
  readonly how = computed(() => {
    const { status, current, total, outcome } = this.job();
    if (outcome) return outcome;
    if (total === 0) return status;
    const percent = `${Math.floor((100 * current) / total)} %`;
    return `${status === 'running' ? '' : `${status}, `}${percent} of ${bytes(total)}`;
  });
}
