import type { VmInfo } from 'rx-qmp';
import type { Tone } from '../events/tone';
import { rowOf } from '../vms/vm-row';

/** What a VM did for some time. `gap`: nobody could see it. */
export type Phase = 'running' | 'paused' | 'trouble' | 'gap' | 'unknown';

export interface PhaseSpan {
  readonly phase: Phase;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

export interface Mark {
  readonly time: number;
  readonly tone: Tone;
}

const MARKS = 2_000;
const PHASES = 200;

/** One VM's line of the timeline: its latest events and what it did between them. */
export class Track {
  #marks: Mark[] = [];
  #phases: PhaseSpan[] = [];
  /** Whether the hub was asked for what was before. */
  asked = false;

  mark(time: number, tone: Tone): void {
    this.#marks.push({ time, tone });
    if (this.#marks.length >= 2 * MARKS) this.#marks = this.#marks.slice(-MARKS);
  }

  enter(phase: Phase, now: number): void {
    const last = this.#phases.at(-1);
    if (last?.phase === phase) return;
    if (last) this.#phases[this.#phases.length - 1] = { ...last, to: now };
    this.#phases.push({ phase, from: now, to: Infinity });
    if (this.#phases.length > PHASES) this.#phases = this.#phases.slice(-PHASES);
  }

  /** Nothing is known of this time, though the VM may have gone on. */
  gap(from: number, to: number): void {
    const now = this.#phases.at(-1)?.phase ?? 'unknown';
    this.enter('gap', from);
    this.enter(now === 'gap' ? 'unknown' : now, to);
  }

  /** Adds the past, oldest first. A mark with a phase tells what the VM did from then on. */
  prepend(past: readonly (Mark & { readonly phase?: Phase | undefined })[]): void {
    const first = this.#marks[0]?.time ?? Infinity;
    const older = past.filter(({ time }) => time < first);
    this.#marks = [...older.map(({ time, tone }) => ({ time, tone })), ...this.#marks].slice(-MARKS);
    const known = new Track();
    for (const { phase, time } of older) if (phase) known.enter(phase, time);
    const begin = this.#phases[0]?.from ?? Date.now();
    const before = known.#phases.map((span) => ({ ...span, to: Math.min(span.to, begin) }));
    this.#phases = [...before.filter(({ from, to }) => from < to), ...this.#phases].slice(-PHASES);
  }

  get phases(): readonly PhaseSpan[] {
    return this.#phases;
  }

  since(time: number): readonly Mark[] {
    return this.#marks.filter((mark) => mark.time >= time);
  }
}

export function phaseOf(vm: VmInfo): Phase {
  if (vm.state !== 'ready') return vm.state === 'connecting' ? 'unknown' : 'gap';
  const { look } = rowOf(vm);
  if (vm.status === undefined || look === 'waiting') return 'unknown';
  return look === 'running' || look === 'trouble' ? look : 'paused';
}

/** What the VM does after an event of this name, where that says something. */
export function phaseAfter(event: string): Phase | undefined {
  switch (event) {
    case 'RESUME':
    case 'WAKEUP':
      return 'running';
    case 'STOP':
    case 'SUSPEND':
      return 'paused';
    case 'GUEST_PANICKED':
      return 'trouble';
    default:
      return undefined;
  }
}
