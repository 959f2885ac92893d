import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const BUILDER = join(__dirname, 'guest');
const CACHE = join(__dirname, '../../node_modules/.cache/rx-qmp');

/** A guest's kernel and initial file system, as QEMU's `-kernel` and `-initrd` take them. */
export interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
}

let outcome: GuestFiles | Error | undefined;

/**
 * The files of the guest. They are built once for each version of their builder, in about 10 s, and kept below node_modules/.cache.
 * @throws what went wrong where they cannot be built
 */
export function guestFiles(): GuestFiles {
  outcome ??= find();
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

function find(): GuestFiles | Error {
  const hash = createHash('sha256');
  for (const name of readdirSync(BUILDER).sort()) hash.update(name).update(readFileSync(join(BUILDER, name)));
  const folder = join(CACHE, `guest-${hash.digest('hex').slice(0, 16)}`);
  const files = { kernel: join(folder, 'kernel'), initrd: join(folder, 'initrd') };
  if (existsSync(folder)) return files;
  mkdirSync(CACHE, { recursive: true });
  // Several spec files may want it at the same time: whoever is first to move it into its place wins.
  const building = `${folder}.${process.pid}`;
  const { status, stderr, error } = spawnSync('bash', [join(BUILDER, 'build'), building], { encoding: 'utf8' });
  if (status !== 0) {
    rmSync(building, { recursive: true, force: true });
    return new Error(`the guest cannot be built: ${error?.message ?? stderr.trim()}`);
  }
  try {
    renameSync(building, folder);
  } catch {
    rmSync(building, { recursive: true, force: true });
  }
  return files;
}

/**
 * `describe` for what needs a Linux guest in a real QEMU. Where it cannot be built the tests are skipped, and say so; with
 * `RX_QMP_REQUIRE_GUEST=1` they fail instead.
 */
export function describeGuest(name: string, fn: () => void): void {
  const lack = lackOfGuest();
  if (lack === undefined) {
    describe(name, fn);
  } else if (process.env['RX_QMP_REQUIRE_GUEST'] === '1') {
    describe(name, () => {
      it('runs on a Linux guest', () => {
        throw new Error(`${lack}; and RX_QMP_REQUIRE_GUEST=1 asks for it`);
      });
    });
  } else {
    process.stderr.write(`SKIPPED, ${lack}: ${name}\n`);
    describe.skip(name, fn);
  }
}

function lackOfGuest(): string | undefined {
  if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0) return 'no qemu-system-x86_64 on this machine';
  try {
    guestFiles();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
