import { Observable } from 'rxjs';
import { DeliverPolicy, jetstream, jetstreamManager, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { whenUnanswered } from '../missing-rights.js';
import type { NatsStatus } from '../nats-status.js';
import { explained } from '../nats-errors.js';
import { LOG_STREAM } from '../store-names.js';
import { DOWN, eventTokenOf, matches, UP } from '../subjects.js';
import type { FleetEvent, FleetGap, Position, Where } from './fleet-types.js';
import { LogReader } from './log-reader.js';
import { patternsOf } from './where.js';

/** Which part of the log. */
export interface HistoryRange {
  /** Events stored from then on, by the server's clock; or after a position. @default the beginning of the log */
  readonly since?: Date | Position;
  /** Events stored until then; or up to a position, this one included. @default the end of the log when it is subscribed to */
  readonly until?: Date | Position;
}

const AHEAD = 500;
/** Milliseconds until the server forgets a reader that is done: it takes 1,000 at a time, and whoever may only read deletes none. */
const FORGET_AFTER = 5_000;

/** Reads the log once, to where it ended when this began. Errors if the server has no log, or does not let the user read it. */
export function readHistory(status: NatsStatus, where: Where & HistoryRange): Observable<FleetEvent | FleetGap> {
  return new Observable((subscriber) => {
    const open = new Set<ConsumerMessages>();
    const cancel = new AbortController();
    const { nats } = status;
    const stopWatch = whenUnanswered(status, LOG_STREAM, (error) => {
      subscriber.error(error);
    });
    const run = async (): Promise<void> => {
      // What is asked while there is no connection is thrown away.
      await status.up(cancel.signal);
      const reader = new LogReader(where);
      const end = await endOf(nats, where);
      const patterns = patternsOf('log', where).filter(
        (pattern) => ![UP, DOWN].some((marker) => pattern.endsWith(`.${eventTokenOf(marker)}`)),
      );
      const readers = patterns.map((pattern) => messagesOf(nats, pattern, where.since, end, open));
      for await (const message of merged(readers)) {
        if (subscriber.closed) return;
        for (const one of reader.read(message)) subscriber.next(one);
      }
    };
    run().then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(explained(error, 'the log of events'));
      },
    );
    return () => {
      stopWatch();
      cancel.abort();
      for (const messages of open) messages.stop();
    };
  });
}

interface End {
  readonly position: number;
  readonly time: number;
}

async function endOf(nats: NatsConnection, { until }: HistoryRange): Promise<End> {
  const jsm = await jetstreamManager(nats, { checkAPI: false });
  const last = (await jsm.streams.info(LOG_STREAM)).state.last_seq;
  if (until instanceof Date) return { position: last, time: until.getTime() };
  return { position: until === undefined ? last : Math.min(last, sequenceOf('until', until)), time: Infinity };
}

/** One consumer for each name: servers before 2.10 take one filter only, and one filter is what rights can be given for. */
async function* messagesOf(
  nats: NatsConnection,
  pattern: string,
  since: Date | Position | undefined,
  end: End,
  open: Set<ConsumerMessages>,
): AsyncGenerator<JsMsg> {
  const consumer = await jetstream(nats).consumers.get(LOG_STREAM, {
    ...{ filter_subjects: pattern, inactive_threshold: FORGET_AFTER },
    ...startOf(since),
  });
  if ((await consumer.info(true)).num_pending === 0) return;
  const messages = await consumer.consume({ max_messages: AHEAD });
  open.add(messages);
  try {
    for await (const message of messages) {
      if (message.seq > end.position || message.time.getTime() > end.time) return;
      if (matches(pattern, message.subject)) yield message;
      if (message.seq === end.position || message.info.pending === 0) return;
    }
  } finally {
    messages.stop();
    open.delete(messages);
  }
}

function startOf(since: Date | Position | undefined): object {
  if (since === undefined) return { deliver_policy: DeliverPolicy.All };
  if (since instanceof Date) return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequenceOf('since', since) + 1 };
}

/** @throws TypeError for what is not a position in the log, as that of a live event */
export function sequenceOf(argument: string, position: Position): number {
  if (!/^\d{1,15}$/.test(position)) {
    throw new TypeError(
      `${argument} must be a Date, or a position from history() or consume(), not ${JSON.stringify(position)}`,
    );
  }
  return Number(position);
}

/** @throws TypeError unless it is a range */
export function checkRange(range: HistoryRange): void {
  for (const argument of ['since', 'until'] as const) {
    const value = range[argument];
    if (value === undefined) continue;
    if (value instanceof Date && Number.isNaN(value.getTime())) throw new TypeError(`${argument} is not a valid Date`);
    if (!(value instanceof Date)) sequenceOf(argument, value);
  }
}

/** By position. */
async function* merged(readers: readonly AsyncGenerator<JsMsg>[]): AsyncGenerator<JsMsg> {
  const heads = await Promise.all(readers.map(async (reader) => ({ reader, head: await reader.next() })));
  try {
    for (;;) {
      const waiting = heads.filter(({ head }) => !head.done);
      if (waiting.length === 0) return;
      const first = waiting.reduce((a, b) => ((a.head.value as JsMsg).seq <= (b.head.value as JsMsg).seq ? a : b));
      yield first.head.value as JsMsg;
      first.head = await first.reader.next();
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.return(undefined)));
  }
}
