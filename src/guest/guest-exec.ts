import type { QmpClient } from '../client/qmp-client.js';
import { whenAborted } from '../foundation/abort.js';
import { checkSignal, checkTimeout } from '../foundation/checks.js';
import { ExecTimeoutError } from '../protocol/errors.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import { fromBase64, toBase64, type GuestBytes } from './base64.js';

/** What a program in the guest gets, and how long it may take. */
export interface GuestExecOptions {
  /** What the program reads from its stdin; a string goes as UTF-8. @default nothing */
  readonly input?: string | Uint8Array;
  /** Its environment, in place of the agent's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until `ExecTimeoutError`, Infinity allowed. The program runs on: agents cannot end one. @default 60_000 */
  readonly timeout?: number;
  /** Rejects with the signal's reason when it aborts. The program runs on. */
  readonly signal?: AbortSignal;
}

/** How a program in the guest ended, and what it wrote. */
export interface GuestExecResult {
  /** The exit code; null if a signal ended it. */
  readonly code: number | null;
  /** The number of the signal that ended it, or on Windows of the exception; else null. */
  readonly signal: number | null;
  /** Bytes; `toString()` reads them as UTF-8. */
  readonly stdout: GuestBytes;
  /** Bytes; `toString()` reads them as UTF-8. */
  readonly stderr: GuestBytes;
  /** True if the agent has kept only a part of stdout or stderr, which it does beyond 16 MiB. */
  readonly truncated: boolean;
}

const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 500;

/**
 * Runs a program in the guest and resolves when it has ended, with its output.
 *
 * ```ts
 * const { code, stdout } = await guestExec(agent, '/bin/sh', ['-c', 'df -h /']);
 * console.log(code, String(stdout));
 * ```
 *
 * Agents send no event at the end, so the status is asked for, at first every few milliseconds, later twice a second. Rejects as
 * {@link QmpClient.execute} does; an agent that cannot start the program answers with an `ExecuteError`.
 */
export async function guestExec(
  agent: QmpClient<GuestCommandMap>,
  path: string,
  args: readonly string[] = [],
  { input, env, timeout = 60_000, signal }: GuestExecOptions = {},
): Promise<GuestExecResult> {
  checkTimeout('timeout', timeout);
  checkSignal('signal', signal);
  const deadline = Date.now() + timeout;
  const options = signal ? { signal } : {};
  const { pid } = await agent.execute(
    'guest-exec',
    {
      path,
      arg: args,
      'capture-output': true,
      ...(env && { env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
      ...(input !== undefined && { 'input-data': toBase64(bytesOf(input)) }),
    },
    options,
  );
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    const status = await agent.execute('guest-exec-status', { pid }, options);
    if (status.exited) {
      return {
        code: status.exitcode ?? null,
        signal: status.signal ?? null,
        stdout: fromBase64(status['out-data'] ?? ''),
        stderr: fromBase64(status['err-data'] ?? ''),
        truncated: status['out-truncated'] === true || status['err-truncated'] === true,
      };
    }
    if (Date.now() > deadline) {
      const text = `${agent.name}: guest-exec: the program still runs after ${timeout} ms, with pid ${pid} in the guest`;
      throw new ExecTimeoutError(text, 'guest-exec', timeout);
    }
    await sleep(pause, signal);
  }
}

function bytesOf(input: string | Uint8Array): Uint8Array {
  return typeof input === 'string' ? new TextEncoder().encode(input) : input;
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stopWatching =
      signal &&
      whenAborted(signal, () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    const timer = setTimeout(() => {
      stopWatching?.();
      resolve();
    }, milliseconds);
  });
}
