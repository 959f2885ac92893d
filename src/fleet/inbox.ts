import { createInbox, type NatsConnection } from '@nats-io/nats-core';

/**
 * A subject of our own to be answered at. Its prefix is the connection's: a user with rights may subscribe below his own only.
 * The type of a connection does not have it, the object does.
 */
export function inboxOf(nats: NatsConnection): string {
  const { options } = nats as NatsConnection & { readonly options?: { readonly inboxPrefix?: string } };
  return createInbox(options?.inboxPrefix);
}

/** How every inbox begins, whoever's it is: `_INBOX.…`, `_INBOX_ann.…`. */
const INBOX = '_INBOX';

/**
 * False for any other subject that somebody asks to be answered at. Whoever may ask an agent anything would make it publish
 * there, with its rights: to the API that empties the log, say.
 */
export function isInbox(subject: string): boolean {
  return subject.startsWith(INBOX);
}
