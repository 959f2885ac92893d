import type { FleetEvent, FleetGap } from 'rx-qmp/fleet';

/** The number that its QEMU gave an event, and that among those of its name. */
export function numbersOf({ data }: FleetEvent['event']): { all: number; rare: number | undefined } {
  const { offset, path, device } = data as { offset?: number; path?: string; device?: string };
  return { all: offset ?? Number(path), rare: device === undefined ? undefined : Number(device) };
}

/** How far a reader is with one VM. */
interface Progress {
  last: number;
  /** What gaps have told since the last event: how many, or that nobody knows. */
  told: number;
  unknown: boolean;
  /** When the first of those was told. */
  toldAt: number;
  /** Told to be silent, from when to when: what is missing of that time is told. */
  readonly silences: { readonly from: number; until: number }[];
}

export interface Verdict {
  read: number;
  doubledOrReordered: number;
  /** Missing, and no gap says so. */
  lostInSilence: number;
  /** Missing, and told. */
  lost: number;
  /** Those of them that were emitted while their agent was alive. */
  lostAlive: number;
  /** Gaps with a number, and those among them whose number is not that of the events that are missing. */
  numbered: number;
  wrong: number;
  /** Milliseconds from the first event that is missing, or from when the reader was connected again, to the gap that tells of it. */
  latest: number;
}

/** Holds what a reader is handed against what was emitted: every event once, in order, or a gap in its place. */
export class ReaderJudge {
  readonly verdict: Verdict = {
    ...{ read: 0, doubledOrReordered: 0, lostInSilence: 0, lost: 0, lostAlive: 0, numbered: 0, wrong: 0, latest: 0 },
  };
  readonly #numberOf: (event: FleetEvent['event']) => number | undefined;
  readonly #emitted: (vm: string) => readonly number[];
  readonly #isDead: (vm: string, at: number) => boolean;
  readonly #progress = new Map<string, Progress>();
  readonly #connectedAt: number[] = [];
  readonly #items: { at: number; item: FleetEvent | FleetGap }[] = [];

  /**
   * @param vms that are read
   * @param numberOf an event among those that are read
   * @param emitted when each of those was emitted
   * @param isDead whether the agent of the VM was dead at a time
   */
  constructor(
    vms: readonly string[],
    numberOf: (event: FleetEvent['event']) => number | undefined,
    emitted: (vm: string) => readonly number[],
    isDead: (vm: string, at: number) => boolean,
  ) {
    this.#isDead = isDead;
    this.#numberOf = numberOf;
    this.#emitted = emitted;
    for (const vm of vms) this.#progress.set(vm, { last: 0, told: 0, unknown: false, toldAt: Infinity, silences: [] });
  }

  /** Notes it; it is judged at the end, when it is known what was emitted. */
  hear(item: FleetEvent | FleetGap): void {
    this.#items.push({ at: now(), item });
  }

  /** The connection of the reader is there again. */
  connected(): void {
    this.#connectedAt.push(now());
  }

  judge(): Verdict {
    for (const { at, item } of this.#items) {
      if ('event' in item) this.#event(item);
      else this.#gap(item, at);
    }
    for (const [vm, progress] of this.#progress) this.#reach(vm, progress, this.#emitted(vm).length + 1);
    return this.verdict;
  }

  #event({ vm, event }: FleetEvent): void {
    const progress = this.#progress.get(vm);
    const number = this.#numberOf(event);
    if (!progress || number === undefined) return;
    this.verdict.read += 1;
    if (number <= progress.last) this.verdict.doubledOrReordered += 1;
    else this.#reach(vm, progress, number);
  }

  #gap({ vm, missed, cause, since, until }: FleetGap, at: number): void {
    const [, host, tense] = /^the agent of (.*) (is|was) silent$/.exec(cause) ?? [];
    for (const [name, progress] of this.#progress) {
      if (vm !== undefined && vm !== name) continue;
      if (host !== undefined && !name.startsWith(`${host}/`)) continue;
      if (tense === 'is') {
        const unheard = until.getTime() - since.getTime();
        progress.silences.push({ from: at - unheard, until: Infinity });
        this.#tell(at - unheard, at);
      }
      for (const silence of progress.silences) if (tense === 'was') silence.until = Math.min(silence.until, at);
      progress.toldAt = Math.min(progress.toldAt, at);
      if (missed === undefined) progress.unknown = true;
      else progress.told += missed;
      if (missed !== undefined) this.verdict.numbered += 1;
    }
  }

  /** Of the time in between, the reader was connected from the last time on. */
  #tell(lostAt: number, toldAt: number): void {
    const connectedAt = Math.max(...this.#connectedAt.filter((at) => at <= toldAt));
    this.verdict.latest = Math.max(this.verdict.latest, toldAt - Math.max(lostAt, connectedAt));
  }

  /** Settles what was told with what is missing before the number. */
  #reach(vm: string, progress: Progress, number: number): void {
    const missing = number - progress.last - 1;
    if (missing > 0 && !progress.unknown && progress.told === 0) this.verdict.lostInSilence += missing;
    else if (missing > 0) this.verdict.lost += missing;
    if (!progress.unknown && progress.told !== missing) this.verdict.wrong += 1;
    const times = this.#emitted(vm).slice(progress.last, number - 1);
    this.verdict.lostAlive += times.filter((at) => !this.#isDead(vm, at)).length;
    const isTold = (time: number): boolean =>
      progress.silences.some(({ from, until }) => time >= from && time <= until);
    const emittedAt = times.find((time) => !isTold(time));
    if (emittedAt !== undefined && progress.toldAt < Infinity) {
      this.#tell(emittedAt, progress.toldAt);
    }
    Object.assign(progress, { last: number, told: 0, unknown: false, toldAt: Infinity });
  }
}

/** Milliseconds on a clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
