import type { Command } from 'commander';

/** What a command does, and where it is: imported only when it is run, since `rx-qmp exec` is to start as fast as Node allows. */
export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}
