import { StateError } from '../protocol/errors.js';

/** An error of NATS with what it concerned, and what to do where a right is missing. */
export function explained(error: unknown, what: string): StateError {
  const { message, cause } = error as Error;
  const said = [message, cause instanceof Error ? cause.message : ''].join(' ');
  const denied = /Permissions Violation for \w+ to "[^"]*"/i.exec(said)?.[0];
  const text =
    denied === undefined
      ? `NATS says of ${what}: ${message}`
      : `NATS does not let this user have ${what}: ${denied}; rx-qmp nats-config prints all rights`;
  return new StateError(text, { cause: error });
}
