import { show } from '../../foundation/text.js';

/** @throws TypeError unless it is a path that a unix socket can have */
export function checkPath(argument: string, path: unknown): void {
  if (typeof path !== 'string' || path === '') {
    throw new TypeError(`${argument} must be the path of a unix socket, not ${show(path)}`);
  }
  const bytes = Buffer.byteLength(path);
  if (bytes > 107) {
    throw new RangeError(`${argument} is ${bytes} bytes long; a unix socket's path has at most 107: ${path}`);
  }
}

/** @throws TypeError unless it may be the name or the number of a host */
export function checkHost(argument: string, host: unknown): void {
  if (typeof host !== 'string' || host === '') {
    throw new TypeError(`${argument} must be a host name or number, not ${show(host)}`);
  }
}

/** @throws TypeError | RangeError unless it is a port to connect to */
export function checkPort(argument: string, port: unknown): void {
  if (typeof port !== 'number') throw new TypeError(`${argument} must be a number, not ${show(port)}`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${argument} must be from 1 to 65535; it is ${port}`);
  }
}
