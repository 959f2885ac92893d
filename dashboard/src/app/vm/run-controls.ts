import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import type { QmpClient } from 'rx-qmp';
import { Rights } from '../rights';
import type { VmRow } from '../vms/vm-row';

interface Control {
  readonly command: 'stop' | 'cont' | 'system_reset' | 'system_powerdown' | 'quit';
  readonly label: string;
  /** What is asked before it runs, where it hurts. */
  readonly question?: string;
  readonly fits: (status: string) => boolean;
}

const CONTROLS: readonly Control[] = [
  { command: 'stop', label: 'Pause', fits: (status) => status === 'running' },
  { command: 'cont', label: 'Resume', fits: (status) => status !== 'running' },
  { command: 'system_powerdown', label: 'Power button', fits: (status) => status === 'running' },
  { command: 'system_reset', label: 'Reset', question: 'Reset without shutting down?', fits: () => true },
  { command: 'quit', label: 'Power off', question: 'End this QEMU at once?', fits: () => true },
];

/** The buttons that change what the VM does: those that the token may press. */
@Component({
  selector: 'app-run-controls',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (controls().length > 0) {
      <div class="buttons" role="group" [attr.aria-label]="'Control ' + row().name">
        @for (control of controls(); track control.command) {
          @if (asked() === control) {
            <span class="ask">
              {{ control.question }}
              <button type="button" class="danger" (click)="run(control)">{{ control.label }} {{ row().name }}</button>
              <button type="button" (click)="asked.set(undefined)">Cancel</button>
            </span>
          } @else {
            <button type="button" [attr.aria-disabled]="!fits(control)" (click)="press(control)">
              {{ control.label }}
            </button>
          }
        }
      </div>
    }
    <p class="failure" role="alert">{{ failure() }}</p>
  `,
  styles: `
    .buttons,
    .ask {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0.4rem;
    }
    .ask {
      padding: 0.2rem 0.5rem;
      border-radius: 6px;
      background: color-mix(in srgb, var(--trouble) 10%, var(--panel));
      font-size: 0.8125rem;
    }
    .danger,
    .danger:hover:not([aria-disabled='true']) {
      border-color: var(--trouble-fill);
      background: var(--trouble-fill);
      color: var(--on-trouble);
    }
    .failure {
      margin: 0;
      color: var(--trouble);
      font-size: 0.8125rem;
    }
  `,
})
export class RunControls {
  readonly row = input.required<VmRow>();
  readonly client = input.required<QmpClient>();
  readonly #rights = inject(Rights);
  readonly controls = computed(() => CONTROLS.filter(({ command }) => this.#rights.may(command)));
  readonly asked = signal<Control | undefined>(undefined);
  readonly failure = signal('');

  fits(control: Control): boolean {
    const { state, status } = this.row().info;
    return state === 'ready' && status !== undefined && control.fits(status);
  }

  press(control: Control): void {
    if (!this.fits(control)) return;
    if (control.question) this.asked.set(control);
    else void this.run(control);
  }

  async run({ command, label }: Control): Promise<void> {
    this.asked.set(undefined);
    this.failure.set('');
    try {
      await this.client().execute(command);
    } catch (error) {
      this.failure.set(`${label}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
