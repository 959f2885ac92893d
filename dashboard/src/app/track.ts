import type { Tone } from './tone';

/** What a VM did for some time: ran, was paused, or was out of sight. */
export type Phase = 'running' | 'paused' | 'gap' | 'unknown';

export interface PhaseSpan {
  readonly phase: Phase;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

export type Counts = Partial<Record<Tone, number>>;

/** How long the timeline looks back. */
export const TRACK_SPAN = 15 * 60_000;
const MAX_PHASES = 1_000;

/** One VM's line of the timeline. Events are counted by the second, so that a burst takes no more room than a single one. */
export class Track {
  readonly #seconds = new Map<number, Counts>();
  #phases: PhaseSpan[] = [];

  event(tone: Tone, now: number): void {
    const second = Math.floor(now / 1000);
    const counts = this.#seconds.get(second) ?? {};
    counts[tone] = (counts[tone] ?? 0) + 1;
    this.#seconds.set(second, counts);
    for (const old of this.#seconds.keys()) {
      if (old * 1000 > now - TRACK_SPAN) break;
      this.#seconds.delete(old);
    }
  }

  enter(phase: Phase, now: number): void {
    const last = this.#phases.at(-1);
    if (last?.phase === phase) return;
    const kept = this.#phases.filter(({ to }) => to > now - TRACK_SPAN).slice(-MAX_PHASES);
    this.#phases = [
      ...kept.map((span) => (span === last ? { ...span, to: now } : span)),
      { phase, from: now, to: Infinity },
    ];
  }

  get phases(): readonly PhaseSpan[] {
    return this.#phases;
  }

  /** The counts of each second since then that had any, oldest first: `[second, counts]`. */
  since(time: number): (readonly [number, Counts])[] {
    return [...this.#seconds].filter(([second]) => second * 1000 >= time);
  }
}
