import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import { StateError } from '../protocol/errors.js';

/** The server's codes for "there is no leader", and "there are too few servers": so it is for seconds after one has died. */
const NO_LEADER = [10005, 10008];

/** The right that is missing, and what to do. */
export function refusal(action: 'publish' | 'subscribe', subject: string): string {
  return `NATS does not let this user ${action} to ${subject}; rx-qmp nats-config prints all rights`;
}

/** The server's code for a stream that is not there. */
export const STREAM_NOT_FOUND = 10059;

/** An error of NATS with what it concerned, and what to do where a right is missing. */
export function explained(error: unknown, what: string): StateError {
  if (error instanceof StateError) return error;
  const { message, cause } = error as Error;
  const said = [message, cause instanceof Error ? cause.message : ''].join(' ');
  const denied = /Permissions Violation for \w+ to "[^"]*"/i.exec(said)?.[0];
  const text =
    denied === undefined
      ? `NATS says of ${what}: ${message}`
      : `NATS does not let this user have ${what}: ${denied}; rx-qmp nats-config prints all rights`;
  return new StateError(text, { cause: error });
}

/** A right is missing: the next try would meet the same. */
export function isRefusal(error: unknown): boolean {
  return causes(error).some((one) => one instanceof errors.PermissionViolationError);
}

/** There is no such stream, or no JetStream at all. */
export function isMissing(error: unknown): boolean {
  return !isSilence(error) && (!(error instanceof JetStreamApiError) || error.code === STREAM_NOT_FOUND);
}

/** Nobody has answered. The connection may be cut, and not know it yet. */
export function isSilence(error: unknown): boolean {
  return causes(error).some((one) => one instanceof errors.TimeoutError);
}

/** What the next try may not meet. */
export function isPassing(error: unknown): boolean {
  return causes(error).some(
    (one) =>
      one instanceof errors.TimeoutError ||
      one instanceof errors.NoRespondersError ||
      (one instanceof JetStreamApiError && NO_LEADER.includes(one.code)),
  );
}

function causes(error: unknown): readonly Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}
