import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { skipped } from './programs.js';
import { temporaryFolder } from './temporary-folder.js';

/** A file system of its own, which can be full. */
export class SmallDisk {
  readonly path: string;
  readonly #folder = temporaryFolder();
  readonly #ballast: string;

  /** @throws Error where this is not allowed: it takes Linux and root */
  constructor(megabytes: number) {
    this.path = this.#folder.path;
    this.#ballast = join(this.path, 'ballast');
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'rx-qmp-small-disk', this.path], {
        stdio: 'pipe',
      });
    } catch (error) {
      this.#folder.remove();
      throw error;
    }
  }

  /** Leaves no room. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (const piece = Buffer.alloc(64 * 1024); ;) writeSync(file, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** There is room again. */
  clear(): void {
    rmSync(this.#ballast, { force: true });
  }

  remove(): void {
    execFileSync('umount', ['-l', this.path]);
    this.#folder.remove();
  }
}

/** A disk; undefined, with a line that says so, where none can be made. With `RX_QMP_REQUIRE_MOUNT=1` that is an error. */
export function smallDisk(megabytes: number, what: string): SmallDisk | undefined {
  try {
    return new SmallDisk(megabytes);
  } catch (error) {
    skipped(error, 'RX_QMP_REQUIRE_MOUNT', 'no small disk can be mounted (it takes root)', what);
    return undefined;
  }
}
