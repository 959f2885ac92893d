import { createInbox, type NatsConnection } from '@nats-io/nats-core';

/**
 * A subject of our own to be answered at. Its prefix is the connection's: a user with rights may subscribe below his own only.
 * The type of a connection does not have it, the object does.
 */
export function inboxOf(nats: NatsConnection): string {
  const { options } = nats as NatsConnection & { readonly options?: { readonly inboxPrefix?: string } };
  return createInbox(options?.inboxPrefix);
}
