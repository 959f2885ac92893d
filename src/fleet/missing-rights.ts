import type { Logger } from '../foundation/logger.js';
import { StateError } from '../protocol/errors.js';
import { isInbox } from './inbox.js';
import { refusal } from './nats-errors.js';
import type { NatsStatus } from './nats-status.js';

/** Milliseconds between warnings of the same kind. */
const WARN_INTERVAL = 60_000;

/** Nobody answers a pull from a stream, an acknowledgement or its flow control: who waits for one is told of a refusal only here. */
const UNANSWERED = ['API.CONSUMER.MSG.NEXT', 'ACK', 'FC'];

/** Warns of rights that are missing, once a minute for each kind of subject: anybody may cause a refusal as often as he likes. */
export function warnOfRefusals(status: NatsStatus, logger: Logger | undefined, host?: string): void {
  const warnedAt = new Map<string, number>();
  const refused = (action: 'publish' | 'subscribe', subject: string): void => {
    const answer = isInbox(subject) && action === 'publish';
    const kind = answer ? 'answer' : subject.split('.', 2).join('.');
    const now = performance.now();
    if (now - (warnedAt.get(kind) ?? -Infinity) < WARN_INTERVAL) return;
    warnedAt.set(kind, now);
    const who = host === undefined ? '' : `${host}: `;
    const why = answer ? ': its permissions lack allow_responses' : '';
    logger?.warn(`${who}${refusal(action, subject)}${why}`);
  };
  status.watch({
    denied: (subject) => {
      refused('publish', subject);
    },
    unsubscribed: (subject) => {
      refused('subscribe', subject);
    },
  });
}

/** Tells of a refusal of what a reader of the stream publishes and nobody answers. The function returned takes it back. */
export function whenUnanswered(status: NatsStatus, stream: string, refused: (error: StateError) => void): () => void {
  return status.watch({
    denied: (subject) => {
      const isMeant = UNANSWERED.some((what) => subject.startsWith(`$JS.${what}.${stream}.`));
      if (isMeant) refused(new StateError(refusal('publish', subject)));
    },
  });
}
