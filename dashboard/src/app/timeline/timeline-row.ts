import { TONES, type Tone } from '../events/tone';
import { duration } from '../format';
import type { Mark, Phase, Track } from './track';

export interface Stretch {
  readonly key: number;
  readonly phase: Phase;
  readonly x: number;
  readonly width: number;
  readonly label: string;
}

/** One VM's line, in pixels. */
export interface TimelineRow {
  readonly vm: string;
  /** The bars of each tone as one SVG path. */
  readonly bars: readonly { readonly tone: Tone; readonly path: string }[];
  readonly stretches: readonly Stretch[];
  /** The line in words. */
  readonly text: string;
}

export interface Frame {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** Pixels for the bars; the strip of run states is below. */
export const BARS_HEIGHT = 16;
/** So many events in one bar fill it; the scale is logarithmic, for one event to be seen beside a thousand. */
const FULL = 1_000;
const BAR_WIDTH = 4;

type Counts = Partial<Record<Tone, number>>;

export function timelineRow(vm: string, track: Track, frame: Frame): TimelineRow {
  const { from, to, width } = frame;
  const x = (time: number): number => (width * (time - from)) / (to - from);
  const marks = track.since(from).filter(({ time }) => time <= to);
  const stretches = track.phases
    .filter((span) => span.to > from && span.from < to)
    .map((span): Stretch => {
      const [left, right] = [Math.max(0, x(span.from)), Math.min(width, x(Math.min(span.to, to)))];
      const label = `${PHASES[span.phase]} for ${duration(Math.min(span.to, Date.now()) - span.from)}`;
      return { key: span.from, phase: span.phase, x: left, width: Math.max(1, right - left), label };
    });
  return { vm, bars: barsOf(marks, x), stretches, text: inWords(vm, marks, stretches, to - from) };
}

const PHASES: Record<Phase, string> = {
  running: 'running',
  paused: 'not running',
  trouble: 'in trouble',
  gap: 'out of sight',
  unknown: 'state not known',
};

function barsOf(marks: readonly Mark[], x: (time: number) => number): TimelineRow['bars'] {
  const bins = new Map<number, Counts>();
  for (const { time, tone, count } of marks) {
    const bin = Math.floor(x(time) / BAR_WIDTH);
    const counts = bins.get(bin) ?? {};
    counts[tone] = (counts[tone] ?? 0) + count;
    bins.set(bin, counts);
  }
  const paths = new Map<Tone, string>();
  for (const [bin, counts] of bins) {
    const total = TONES.reduce((sum, { tone }) => sum + (counts[tone] ?? 0), 0);
    const full = Math.min(BARS_HEIGHT, 5 + ((BARS_HEIGHT - 5) * Math.log(total)) / Math.log(FULL));
    let y = BARS_HEIGHT;
    for (const { tone } of TONES) {
      const height = (full * (counts[tone] ?? 0)) / total;
      if (height === 0) continue;
      y -= height;
      const bar = `M${bin * BAR_WIDTH} ${y.toFixed(1)}h${BAR_WIDTH - 1}v${height.toFixed(1)}h${1 - BAR_WIDTH}z`;
      paths.set(tone, (paths.get(tone) ?? '') + bar);
    }
  }
  return [...paths].map(([tone, path]) => ({ tone, path }));
}

function inWords(vm: string, marks: readonly Mark[], stretches: readonly Stretch[], span: number): string {
  const counts: Counts = {};
  for (const { tone, count } of marks) counts[tone] = (counts[tone] ?? 0) + count;
  const gaps = stretches.filter(({ phase }) => phase === 'gap').length;
  const now = stretches.at(-1);
  const said = TONES.flatMap(({ tone, label }) => (counts[tone] === undefined ? [] : [`${counts[tone]} ${label}`]));
  return [
    `${vm}, ${duration(span)}: ${said.join(', ') || 'no events'}`,
    gaps === 0 ? '' : `${gaps} ${gaps === 1 ? 'gap' : 'gaps'}`,
    now ? `now ${now.label}` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
