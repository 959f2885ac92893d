import type { Tone } from '../events/tone';
import type { VmRow } from '../vms/vm-row';

/** What a VM did for some time. `gap`: nobody could see it. */
export type Phase = 'running' | 'paused' | 'trouble' | 'gap' | 'unknown';

export interface PhaseSpan {
  readonly phase: Phase;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

/** Events of one tone at about one time. */
export interface Mark {
  readonly time: number;
  readonly tone: Tone;
  readonly count: number;
}

/** Marks and phases kept of each VM: of thousands of VMs they must fit into a page that stays open for weeks. */
const MARKS = 500;
const PHASES = 200;
/** Milliseconds within which events of one tone become one mark: half a bar of the shortest span. */
const TOGETHER = 1_000;

/** An event from before the page was opened. */
export interface PastEvent {
  readonly time: number;
  readonly tone: Tone;
  /** What the VM did from then on, where the event tells. */
  readonly phase?: Phase | undefined;
}

/** One VM's line of the timeline: its latest events and what it did between them. */
export class Track {
  #marks: Mark[] = [];
  /** What this page has seen itself. */
  #phases: PhaseSpan[] = [];
  /** What events from before that say, each until the next. */
  #before: { readonly time: number; readonly phase: Phase }[] = [];
  /** Whether the hub was asked for what was before. */
  asked = false;

  mark(time: number, tone: Tone): void {
    const last = this.#marks.at(-1);
    if (last?.tone === tone && Math.abs(time - last.time) < TOGETHER) {
      this.#marks[this.#marks.length - 1] = { ...last, count: last.count + 1 };
      return;
    }
    this.#marks.push({ time, tone, count: 1 });
    if (this.#marks.length >= 1.1 * MARKS) this.#marks = this.#marks.slice(-MARKS);
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

  /**
   * Takes all that the hub has of the time before this page saw the VM, oldest first.
   *
   * @param since from when on there was no other change of the run state, unless an event tells of one
   */
  learn(past: readonly PastEvent[], since: number): void {
    const first = this.#marks[0]?.time ?? Infinity;
    const older = new Track();
    for (const { time, tone } of past) if (time < first) older.mark(time, tone);
    this.#marks = [...older.#marks, ...this.#marks].slice(-MARKS);
    const opened = this.#phases[0];
    if (!opened) return;
    this.#before = past
      .flatMap(({ time, phase }) => (phase && time < opened.from ? [{ time, phase }] : []))
      .slice(-PHASES);
    if (this.#before.length === 0 && since < opened.from) this.#before = [{ time: since, phase: opened.phase }];
  }

  /** Oldest first. */
  get phases(): readonly PhaseSpan[] {
    const opened = this.#phases[0]?.from ?? Date.now();
    const before = this.#before.map(({ time, phase }, place) => {
      return { phase, from: time, to: this.#before[place + 1]?.time ?? opened };
    });
    return [...before, ...this.#phases];
  }

  since(time: number): readonly Mark[] {
    return this.#marks.filter((mark) => mark.time >= time);
  }
}

export function phaseOf({ info: vm, look }: VmRow): Phase {
  if (vm.state !== 'ready') return vm.state === 'connecting' ? 'unknown' : 'gap';
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
