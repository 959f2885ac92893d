import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { temporaryFolder } from './temporary-folder.js';

const PROGRAM = 'qemu-system-x86_64';

export interface Qemu {
  /** `unix:PATH` of its monitor. */
  readonly address: string;
  readonly path: string;
  /** The folder it runs in, removed with it. */
  readonly folder: string;
  readonly process: ChildProcess;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, so that QEMU shuts down in order, also if it was stopped by a signal; resolves when it is gone and its folder removed. */
  stop(): Promise<void>;
}

/** A QEMU without a guest, its monitor on a unix socket in a folder of its own. `args` are added to the command line. */
export function startQemu(args: string[] = []): Promise<Qemu> {
  return spawnQemu(['-machine', 'none', '-nodefaults', '-display', 'none', ...args]);
}

/** A QEMU with nothing on its command line but `args` and the monitor. It runs in a folder of its own, to which paths are relative. */
export async function spawnQemu(args: readonly string[]): Promise<Qemu> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'qmp');
  const child = spawn(PROGRAM, [...args, '-qmp', `unix:${path},server=on,wait=off`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder.path,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const gone = exit(child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    child.kill('SIGCONT');
    await gone;
    folder.remove();
  };
  const tooEarly = new AbortController();
  void gone.then((how) => {
    tooEarly.abort(new Error(`${PROGRAM} ended before its monitor was there (${how}): ${said}`));
  });
  try {
    await socketAt(path, tooEarly.signal);
  } catch {
    await end('SIGKILL');
    throw tooEarly.signal.reason;
  }
  return {
    address: `unix:${path}`,
    path,
    folder: folder.path,
    process: child,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

/** Resolves with how a process ended, also if it could not be started. */
export function exit(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, signal) => {
      resolve(signal ?? `exit code ${code}`);
    });
  });
}

/** Resolves when somebody listens on the unix socket; rejects when the signal aborts. */
export async function socketAt(path: string, signal: AbortSignal): Promise<void> {
  const folder = watch(dirname(path));
  try {
    while (!existsSync(path)) await once(folder, 'change', { signal });
  } finally {
    folder.close();
  }
  // A socket is there from `bind`, but refuses until `listen`, a moment later.
  while (!isListening(path)) await setImmediate(undefined, { signal });
}

function isListening(path: string): boolean {
  if (!existsSync(SOCKET_TABLE)) return true;
  return readFileSync(SOCKET_TABLE, 'utf8')
    .split('\n')
    .some((line) => line.endsWith(` ${path}`) && line.split(/\s+/)[3] === LISTENING);
}

/** Linux has it; its fourth column holds the flags of a socket. */
const SOCKET_TABLE = '/proc/net/unix';
const LISTENING = '00010000';

const hasQemu = spawnSync(PROGRAM, ['--version']).status === 0;

/**
 * `describe` for what needs a real QEMU. Where none is installed it is skipped, and says so; with `RX_QMP_REQUIRE_QEMU=1` it
 * fails instead.
 */
export function describeQemu(name: string, fn: () => void): void {
  if (hasQemu) {
    describe(name, fn);
  } else if (process.env['RX_QMP_REQUIRE_QEMU'] === '1') {
    describe(name, () => {
      it(`runs on a real QEMU (${PROGRAM} is not installed)`, () => {
        throw new Error(`${PROGRAM} is not installed, and RX_QMP_REQUIRE_QEMU=1 asks for it`);
      });
    });
  } else {
    process.stderr.write(`SKIPPED, no ${PROGRAM} on this machine: ${name}\n`);
    describe.skip(name, fn);
  }
}
