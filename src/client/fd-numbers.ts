import { show } from '../foundation/text.js';
import type { ExecuteOptions } from './commands.js';

/** @throws TypeError unless these are descriptors, open as far as one can see */
export function numbersOf(fds: NonNullable<ExecuteOptions['fds']>): number[] {
  if (!Array.isArray(fds) || fds.length === 0) throw new TypeError('fds must be an array of file descriptors');
  return (fds as readonly (number | { readonly fd: number } | null)[]).map((one) => {
    const fd = typeof one === 'object' ? one?.fd : one;
    if (typeof fd === 'number' && Number.isInteger(fd) && fd >= 0) return fd;
    throw new TypeError(`fds must hold open file descriptors: numbers or FileHandles, not ${show(fd)}`);
  });
}
