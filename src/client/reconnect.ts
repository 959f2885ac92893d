import { checkTimeout } from '../foundation/checks.js';
import { show } from '../foundation/text.js';
import type { QmpError } from '../protocol/errors.js';

/** Decides when to try again after an attempt that failed, or a session that ended. */
export interface ReconnectPolicy {
  /**
   * How long to wait before the next attempt.
   *
   * @param attempt the number of the coming attempt since `connect()` or since the last session that was steady
   * @param cause why
   * @returns milliseconds to wait, or `null` to give up
   */
  delay(attempt: number, cause: QmpError): number | null;
  /**
   * Milliseconds that a session must last for `attempt` to count from 1 again. After a shorter one it goes on counting: a QEMU
   * that comes and goes is not dialled for ever at full speed. @default 10_000
   */
  readonly steadyAfter?: number;
}

/** How the delays of {@link backoff} grow. */
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
    steadyAfter: to,
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
  if (reconnect.steadyAfter !== undefined) checkTimeout('steadyAfter', reconnect.steadyAfter);
  return reconnect;
}

/** Sessions that last so long, in milliseconds, are steady, unless the policy says otherwise. */
const STEADY_AFTER = 10_000;

/** True if a session that began then, and has ended now, lasted long enough to start counting attempts again. */
export function wasSteady(policy: ReconnectPolicy | undefined, since: Date): boolean {
  return Date.now() - since.getTime() >= (policy?.steadyAfter ?? STEADY_AFTER);
}
