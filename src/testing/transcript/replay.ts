import { asyncScheduler, type Subscription } from 'rxjs';
import type { Connector } from '../../transport/connection.js';
import { isRecord } from '../../foundation/checks.js';
import { CommandCutter } from '../../protocol/command-cutter.js';
import { isEvent, isGreeting } from '../../protocol/message.js';
import { FakeConnection } from '../fake-connection.js';
import { RecordedReplies } from './recorded-replies.js';
import { checkSpeed, inTime, type PlaybackOptions } from './pacing.js';
import { sessionsOf, type Transcript } from './transcript.js';

const COMMAND_BYTES = 64 * 1024 * 1024;
const CAPABILITIES = 'qmp_capabilities';

/**
 * A connector to a QEMU that is not there: it says what a recorded one said, at its time or faster, byte for byte.
 *
 * ```ts
 * const client = new QmpClient(replay(readTranscript(text), { speed: 10 }));
 * ```
 *
 * The clock starts when the client has sent `qmp_capabilities`. Events come at their time, whatever the client does. A reply is
 * kept for the first command of the same name that the client sends (with the client's own id), and comes at its time too, or
 * at once where that has passed; a command for which none is recorded is answered with an error.
 *
 * Each connection is the next session of the recording. A session that was followed by another one breaks at its end, one that
 * ended with SHUTDOWN closes, and any other one stays open.
 */
export function replay(transcript: Transcript, options: PlaybackOptions = {}): Connector {
  const speed = checkSpeed(options);
  const sessions = sessionsOf(transcript);
  let next = 0;
  const open: Connector = (signal) => {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const session = sessions[next];
    if (!session) return Promise.reject(new Error('the recording is over: it holds no further session'));
    next += 1;
    return Promise.resolve(play(session, speed, next < sessions.length));
  };
  return Object.assign(open, { address: 'a recording' });
}

/** @param cutOff whether another session followed */
function play(session: Transcript, speed: number, cutOff: boolean): FakeConnection {
  const replies = new RecordedReplies(session);
  const cutter = new CommandCutter(COMMAND_BYTES);
  let playing: Subscription | undefined;
  const connection = new FakeConnection(Infinity, () => playing?.unsubscribe());
  const say = (text: string | undefined): void => {
    if (text !== undefined) connection.write(`${text}\r\n`);
  };
  const { first, t } = beginningOf(session);
  for (const { dir, text } of session.slice(0, first)) if (dir === 'in') say(text);
  const run = (): Subscription => {
    const heard = session.slice(first).filter(({ dir }) => dir === 'in');
    return inTime(heard, speed, asyncScheduler.now() - t / speed, {
      next: (entry) => {
        say(replies.reach(entry));
      },
      complete: () => {
        if (wasShutDown(session)) connection.end();
        else if (cutOff) connection.fail(new Error('the recorded connection broke here'));
      },
    });
  };
  connection.serveBy((text) => {
    let negotiated = false;
    cutter.push(new TextEncoder().encode(text));
    for (let line = cutter.next(); line !== undefined; line = cutter.next()) {
      const command = valueOf(line);
      if (!isRecord(command)) continue;
      say(replies.claim(command));
      negotiated ||= command['execute'] === CAPABILITIES;
    }
    // Not before all that came at once is known: the recording may be over in no time.
    if (negotiated) playing ??= run();
  });
  return connection;
}

/** Undefined for what is not JSON, which a recorded QEMU has not answered. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What comes before `first` is said unasked; `t` is when the recorded client began to take part. */
function beginningOf(session: Transcript): { first: number; t: number } {
  const negotiation = session.findIndex(({ dir, msg }) => dir === 'out' && msg.execute === CAPABILITIES);
  const greeting = session.findIndex(({ msg }) => isGreeting(msg));
  return {
    first: negotiation < 0 ? greeting + 1 : negotiation,
    t: session[negotiation < 0 ? Math.max(0, greeting) : negotiation]?.t ?? 0,
  };
}

function wasShutDown(session: Transcript): boolean {
  const events = session.map(({ dir, msg }) => (dir === 'in' && isEvent(msg) ? msg.event : undefined));
  return events.filter((name) => name !== undefined).at(-1) === 'SHUTDOWN';
}
