import { duration } from './format';
import { TONES, type Tone } from './tone';
import type { Counts, Phase, Track } from './track';

export interface Bar {
  readonly key: string;
  readonly tone: Tone;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Stretch {
  readonly key: number;
  readonly phase: Phase;
  readonly x: number;
  readonly width: number;
  readonly label: string;
}

/** One VM's line, in pixels. */
export interface Row {
  readonly vm: string;
  readonly bars: readonly Bar[];
  readonly stretches: readonly Stretch[];
  /** The line in words. */
  readonly text: string;
}

export interface Frame {
  readonly now: number;
  /** Milliseconds from the left edge to the right. */
  readonly span: number;
  readonly width: number;
}

export const BARS_HEIGHT = 44;
/** So many events in one bar fill it; the scale is logarithmic, for one event to be seen beside a thousand. */
const FULL = 1_000;
const BAR_WIDTH = 5;

export function rowOf(vm: string, track: Track, frame: Frame): Row {
  const { now, span, width } = frame;
  const x = (time: number): number => width * (1 - (now - time) / span);
  const secondsPerBar = Math.max(1, Math.ceil((BAR_WIDTH * span) / width / 1000));
  const totals = new Map<number, Counts>();
  const all: Counts = {};
  for (const [second, counts] of track.since(now - span)) {
    const bin = Math.floor(second / secondsPerBar);
    totals.set(bin, add(totals.get(bin) ?? {}, counts));
    add(all, counts);
  }
  const barWidth = Math.max(2, (width * secondsPerBar * 1000) / span - 1.5);
  const bars = [...totals].flatMap(([bin, counts]) => stack(bin, counts, x(bin * secondsPerBar * 1000), barWidth));
  const stretches = track.phases
    .filter(({ to }) => to > now - span)
    .map(({ phase, from, to }): Stretch => {
      const [left, right] = [Math.max(0, x(from)), Math.min(width, x(Math.min(to, now)))];
      const label = `${PHASES[phase]} for ${duration(Math.min(to, now) - from)}`;
      return { key: from, phase, x: left, width: Math.max(1, right - left), label };
    });
  return { vm, bars, stretches, text: inWords(vm, all, stretches, span) };
}

const PHASES: Record<Phase, string> = { running: 'running', paused: 'paused', gap: 'gap', unknown: 'state not known' };

function add(sum: Counts, counts: Counts): Counts {
  for (const { tone } of TONES) sum[tone] = (sum[tone] ?? 0) + (counts[tone] ?? 0);
  return sum;
}

function stack(bin: number, counts: Counts, x: number, width: number): Bar[] {
  const total = TONES.reduce((sum, { tone }) => sum + (counts[tone] ?? 0), 0);
  const full = Math.min(BARS_HEIGHT, 7 + ((BARS_HEIGHT - 7) * Math.log(total)) / Math.log(FULL));
  let y = BARS_HEIGHT;
  return TONES.flatMap(({ tone }) => {
    const height = (full * (counts[tone] ?? 0)) / total;
    if (height === 0) return [];
    y -= height;
    return [{ key: `${bin} ${tone}`, tone, x, y, width, height }];
  });
}

function inWords(vm: string, counts: Counts, stretches: readonly Stretch[], span: number): string {
  const parts = TONES.filter(({ tone }) => counts[tone]).map(({ tone, label }) => `${counts[tone]} ${label}`);
  const gaps = stretches.filter(({ phase }) => phase === 'gap').length;
  const now = stretches.at(-1);
  return [
    `${vm}, last ${duration(span)}: ${parts.join(', ') || 'no events'}`,
    gaps === 0 ? '' : `${gaps} ${gaps === 1 ? 'gap' : 'gaps'}`,
    now ? `now ${now.label}` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
