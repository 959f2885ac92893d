import { Observable } from 'rxjs';
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  type ConsumerMessages,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { isEvent, type QmpEvent } from '../../protocol/message.js';
import { headersOf } from '../listen.js';
import { whenUnanswered } from '../missing-rights.js';
import type { NatsStatus } from '../nats-status.js';
import { explained } from '../nats-errors.js';
import { ID_HEADER, readNumbers } from '../numbers.js';
import { LOG_STREAM } from '../store-names.js';
import { matches, readEventSubject } from '../subjects.js';
import { readObject } from '../wire.js';
import type { FleetEvent, Where } from './fleet-types.js';
import { patternsOf } from './where.js';

/** An event that is delivered until it is acknowledged. */
export interface Delivery extends FleetEvent {
  /** Says that its effect is there; without it the event comes again, after 30 s or in the next program. */
  ack(): void;
}

/** Those acknowledged last: what comes again of them is acknowledged again and not delivered. */
const REMEMBERED = 10_000;
const CONSUMER_NOT_FOUND = 10014;

/** Reads the log from its beginning, on from where the durable of this name has got to. Goes on until it is unsubscribed. */
export function consumeLog(status: NatsStatus, durable: string, where: Where): Observable<Delivery> {
  return new Observable((subscriber) => {
    let messages: ConsumerMessages | undefined;
    const acked = new Set<number>();
    const cancel = new AbortController();
    const { nats } = status;
    const stopWatch = whenUnanswered(status, LOG_STREAM, (error) => {
      subscriber.error(error);
    });
    const run = async (): Promise<void> => {
      // What is asked while there is no connection is thrown away.
      await status.up(cancel.signal);
      const filter = filterOf(where);
      await prepare(nats, durable, filter);
      const consumer = await jetstream(nats).consumers.get(LOG_STREAM, durable);
      messages = await consumer.consume({ max_messages: 100 });
      if (subscriber.closed) messages.stop();
      for await (const message of messages) {
        if (!matches(filter, message.subject)) continue;
        const subject = readEventSubject('log', message.subject);
        const numbers = subject && readNumbers(subject, headersOf(message)?.get(ID_HEADER));
        const text = message.string();
        const event = readObject(text) as QmpEvent | undefined;
        const wanted = !where.names?.length || where.names.includes(subject?.name ?? '');
        // Markers, what nobody wants, and what was dealt with already.
        if (!numbers || !event || !isEvent(event) || !wanted || acked.has(message.seq)) {
          message.ack();
          continue;
        }
        subscriber.next({
          vm: `${subject.host}/${subject.vm}`,
          ...{ event, text },
          position: String(message.seq),
          ack: () => {
            acked.add(message.seq);
            const [oldest] = acked;
            if (acked.size > REMEMBERED && oldest !== undefined) acked.delete(oldest);
            message.ack();
          },
        });
      }
    };
    run().then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(explained(error, `the durable ${durable}`));
      },
    );
    return () => {
      stopWatch();
      cancel.abort();
      messages?.stop();
    };
  });
}

/** @throws TypeError for what NATS does not take as a name */
export function checkDurable(durable: string): void {
  if (!/^[\w-]{1,64}$/.test(durable)) {
    throw new TypeError(`the name of a durable has 1 to 64 letters, digits, _ and -, not ${JSON.stringify(durable)}`);
  }
}

/** One, as a server before 2.10 takes it; of several names all are read, and the others left out here. */
function filterOf(where: Where): string {
  const [name, ...more] = where.names ?? [];
  const narrow = name !== undefined && more.length === 0;
  const [filter = ''] = patternsOf('log', narrow ? where : { ...where, names: [] });
  return filter;
}

async function prepare(nats: NatsConnection, durable: string, filter: string): Promise<void> {
  const jsm = await jetstreamManager(nats, { checkAPI: false });
  const found = await jsm.consumers.info(LOG_STREAM, durable).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  });
  if (found && found.config.filter_subject !== filter) {
    throw new Error(
      `it reads ${found.config.filter_subject ?? 'everything'} already, not ${filter}: take another name`,
    );
  }
  if (found) return;
  await jsm.consumers.add(LOG_STREAM, {
    ...{ durable_name: durable, filter_subject: filter },
    ...{ ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All },
  });
}
