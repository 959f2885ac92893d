import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from '../foundation/logger.js';

/** Milliseconds for `systemd-notify` to be done. */
const PATIENCE = 5_000;

/** What systemd is told of a service, if it started this process and asks. */
export interface SystemdService {
  /** The service works. From now on systemd hears twice in each `WatchdogSec` that the event loop turns. */
  ready(): Promise<void>;
  /** It ends in good order. */
  stopping(): Promise<void>;
}

/**
 * Speaks to systemd where the unit has `Type=notify`. Node has no unix datagram sockets, so `systemd-notify` does it, a program
 * of systemd's own; it is another process, which the unit lets in by `NotifyAccess=all`.
 */
export function systemdService(logger: Logger, environment: NodeJS.ProcessEnv = process.env): SystemdService {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
  let timer: NodeJS.Timeout | undefined;
  let failed = false;
  const tell = async (...words: string[]): Promise<void> => {
    if (!socket || failed) return;
    try {
      // Not by `timeout`, whose timer holds the process where there is no such program.
      const child = spawn('systemd-notify', words, { stdio: 'ignore', signal: AbortSignal.timeout(PATIENCE) });
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      if (code !== 0) throw new Error(`it ended with ${String(code ?? signal)}`);
    } catch (error) {
      // Once is enough: the unit has Type=notify and will not go on for long.
      failed = true;
      logger.warn(`systemd is told nothing: systemd-notify: ${(error as Error).message}; use Type=exec without it`);
    }
  };
  return {
    ready: async () => {
      await tell('--ready');
      const interval = Number(microseconds) / 2_000;
      if (!(interval > 0) || (pid !== undefined && Number(pid) !== process.pid)) return;
      timer = setInterval(() => void tell('WATCHDOG=1'), interval);
    },
    stopping: async () => {
      clearInterval(timer);
      await tell('STOPPING=1');
    },
  };
}
