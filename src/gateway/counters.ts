/** What a door counts of itself, by cause, from its start. */
export class Counters {
  readonly refusals: Map<string, number> = new Map();
  readonly cutOffs: Map<string, number> = new Map();

  refused(cause: string): void {
    this.refusals.set(cause, (this.refusals.get(cause) ?? 0) + 1);
  }

  cutOff(cause: string): void {
    this.cutOffs.set(cause, (this.cutOffs.get(cause) ?? 0) + 1);
  }
}
