import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { VmJob } from 'rx-qmp';
import { bytes } from '../format';

/** One job of a VM in one line: what it is and how far. */
@Component({
  selector: 'app-job-bar',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <span class="id" [title]="job().type + ' ' + job().id">{{ job().id }}</span>
    <progress
      [attr.aria-label]="job().id"
      [attr.aria-valuetext]="how()"
      [value]="job().current"
      [max]="job().total || 1"
    ></progress>
    <span class="how">{{ how() }}</span>
  `,
  styles: `
    :host {
      display: flex;
      align-items: center;
      gap: 0.5rem;
      font-size: 0.75rem;
    }
    .id {
      max-width: 8rem;
      overflow: hidden;
      text-overflow: ellipsis;
      font-family: var(--mono);
    }
    .how {
      color: var(--muted);
      font-variant-numeric: tabular-nums;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    progress {
      appearance: none;
      flex: 1 1 3rem;
      min-width: 2rem;
      max-width: 12rem;
      height: 6px;
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
    }
    progress::-moz-progress-bar {
      background: currentColor;
    }
  `,
})
export class JobBar {
  readonly job = input.required<VmJob>();
  readonly how = computed(() => {
    const { status, current, total } = this.job();
    if (total === 0) return status;
    const percent = `${Math.floor((100 * current) / total)} %`;
    return `${status === 'running' ? '' : `${status}, `}${percent} of ${bytes(total)}`;
  });
}
