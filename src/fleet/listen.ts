import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/nats-core';
import { matches } from './subjects.js';

/**
 * Subscribes by callback, since iterators lose the order between subscriptions. What is not under the pattern is dropped:
 * anybody's push consumer may deliver here, under the subject of what it delivers (nats-server #8274).
 *
 * @param heard must not throw: the NATS client would read nothing more, on this connection, for ever
 */
export function listen(nats: NatsConnection, pattern: string, heard: (message: Msg) => void): Subscription {
  return nats.subscribe(pattern, {
    callback: (error, message) => {
      if (!error && matches(pattern, message.subject)) heard(message);
    },
  });
}

/** The headers of a message; `undefined` where it has none, or they are not valid: to read those throws. */
export function headersOf(message: { readonly headers?: MsgHdrs | undefined }): MsgHdrs | undefined {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}
