import type { Logger } from '../foundation/logger.js';
import { note } from './terminal.js';

export const LOG_LEVELS = ['debug', 'info', 'warn'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;

/** A log on stderr: a line for each message, with its time and level. */
export function logTo(level: (typeof LOG_LEVELS)[number], format: (typeof LOG_FORMATS)[number]): Required<Logger> {
  const write = (own: (typeof LOG_LEVELS)[number], message: string): void => {
    if (LOG_LEVELS.indexOf(own) < LOG_LEVELS.indexOf(level)) return;
    const time = new Date().toISOString();
    note(format === 'json' ? JSON.stringify({ time, level: own, message }) : `${time} ${own} ${message}`);
  };
  return {
    debug: (message) => {
      write('debug', message);
    },
    info: (message) => {
      write('info', message);
    },
    warn: (message) => {
      write('warn', message);
    },
  };
}
