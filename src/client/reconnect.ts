import { checkTimeout, show } from '../foundation/checks.js';
import type { QmpError } from '../protocol/errors.js';

/** Decides when to try again after an attempt that failed, or a session that ended. */
export interface ReconnectPolicy {
  /**
   * @param attempt the number of the coming attempt since `connect()` or since the last session, from 1
   * @param cause why
   * @returns milliseconds to wait, or `null` to give up
   */
  delay(attempt: number, cause: QmpError): number | null;
}

export interface BackoffOptions {
  /** The first delay, in milliseconds. @default 100 */
  readonly from?: number;
  /** The ceiling, in milliseconds. @default 10_000 */
  readonly to?: number;
}

/** Doubles the delay with each attempt up to a ceiling and takes a random part of its upper half, so that many clients spread. */
export function backoff({ from = 100, to = 10_000 }: BackoffOptions = {}): ReconnectPolicy {
  checkTimeout('from', from);
  checkTimeout('to', to);
  return {
    delay: (attempt) => Math.min(to, from * 2 ** Math.min(attempt - 1, 30)) * (0.5 + Math.random() / 2),
  };
}

/** @throws TypeError if it is neither a boolean nor a policy */
export function policyOf(reconnect: boolean | ReconnectPolicy): ReconnectPolicy | undefined {
  if (reconnect === true) return backoff();
  if (reconnect === false) return undefined;
  if (typeof (reconnect as Partial<ReconnectPolicy> | null)?.delay !== 'function') {
    throw new TypeError(`reconnect must be true, false or an object with a function delay, not ${show(reconnect)}`);
  }
  return reconnect;
}
