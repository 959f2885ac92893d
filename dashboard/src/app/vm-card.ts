import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  resource,
  signal,
} from '@angular/core';
import { toObservable, toSignal } from '@angular/core/rxjs-interop';
import { switchMap } from 'rxjs';
import type { VmInfo } from 'rx-qmp';
import { injectQmpHistory, injectQmpHub, injectQmpState } from 'rx-qmp/angular';
import { Clock } from './clock';
import { duration } from './format';
import { JobRow } from './job-row';
import { watchJobs } from './jobs';
import { Recorder } from './recorder';

const RUN_EVENTS = ['STOP', 'RESUME', 'SUSPEND', 'WAKEUP', 'RESET', 'SHUTDOWN', 'GUEST_PANICKED'] as const;

/** One VM: whether it runs, its jobs, and the buttons that stop and continue it. */
@Component({
  selector: 'app-vm-card',
  imports: [JobRow],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { role: 'listitem' },
  templateUrl: './vm-card.html',
  styleUrl: './vm-card.css',
})
export class VmCard {
  readonly vm = input.required<VmInfo>();
  readonly #hub = injectQmpHub();
  readonly #recorder = inject(Recorder);
  readonly #clock = inject(Clock);

  readonly name = computed(() => this.vm().name);
  readonly client = computed(() => this.#hub.client(this.name()));
  readonly connection = injectQmpState({ client: this.client });
  readonly #changes = injectQmpHistory(RUN_EVENTS, undefined, { client: this.client, limit: 1 });
  readonly #status = resource({
    params: () => {
      const { phase } = this.connection();
      return phase === 'running' ? { client: this.client(), changed: this.#changes().at(-1) } : undefined;
    },
    loader: ({ params, abortSignal }) => params.client.execute('query-status', undefined, { signal: abortSignal }),
  });
  /** The guest's state in QEMU's words; the last known one while it is asked again. */
  readonly runState = linkedSignal<{ up: boolean; status: string | undefined }, string | undefined>({
    source: () => ({
      up: this.connection().phase === 'running' && this.vm().state === 'ready',
      status: this.#status.hasValue() ? this.#status.value().status : undefined,
    }),
    computation: ({ up, status }, previous) => (up ? (status ?? previous?.value) : undefined),
  });
  readonly label = computed(() => this.runState() ?? (this.vm().state === 'ready' ? 'connecting' : this.vm().state));
  readonly look = computed(() => {
    const label = this.label();
    if (label === 'gone' || label === 'connecting') return label;
    return label === 'running' ? 'running' : 'paused';
  });
  readonly since = computed(() => duration(this.#clock.now() - Date.parse(this.vm().since)));
  readonly events = computed(() => this.#recorder.count(this.name()));
  readonly jobs = toSignal(toObservable(this.client).pipe(switchMap(watchJobs)), { initialValue: [] });

  /** Why stop and cont cannot be used at all. */
  readonly forbidden = computed(() => {
    const state = this.#hub.state();
    if (state.phase !== 'open') return undefined;
    const { role, allow } = state.rights;
    if (role === 'viewer') return 'Your token is a viewer’s: it may look, not touch.';
    const missing = ['stop', 'cont'].filter((command) => !allow.includes(command));
    if (missing.length === 0) return undefined;
    return `The hub does not allow it. Start it with --allow ${missing.join(' ')}.`;
  });
  readonly failure = signal('');

  constructor() {
    effect(() => {
      const runState = this.runState();
      if (runState !== undefined) this.#recorder.enter(this.name(), runState === 'running' ? 'running' : 'paused');
    });
  }

  canRun(command: 'stop' | 'cont'): boolean {
    const runState = this.runState();
    return runState !== undefined && (runState === 'running') === (command === 'stop');
  }

  async run(command: 'stop' | 'cont'): Promise<void> {
    if (!this.canRun(command)) return;
    this.failure.set('');
    try {
      await this.client().execute(command);
    } catch (error) {
      this.failure.set(error instanceof Error ? error.message : String(error));
    }
  }
}
