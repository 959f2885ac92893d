import fc from 'fast-check';
import { play, type Played } from './byte-stream/play.js';
import { RECORDED } from './byte-stream/recorded.js';
import { bytesOf, cut, faithful, LIMIT, oversize, spoilt, type Stream } from './byte-stream/streams.js';
import { Judge } from './byte-stream/verdict.js';
import { PATIENCE, scale, SEED, survived } from './scale.js';

const { stackTraceLimit } = Error;

/** The diagnostics of what is dropped. */
const DROPPED: ReadonlySet<string> = new Set(['bad-line', 'half-message', 'event-too-large']);

/** Diagnostics of one kind that a client tells one by one in a second. */
const NOISE = 100;

const NOTHING = { sessions: 0, bytes: 0, mutations: 0, events: 0, dropped: 0, protocolErrors: 0 };
let total = NOTHING;

/** Plays it, and holds what comes out against what the naive judge says. */
async function judged(stream: Stream, { mutations = 0, maxMessageBytes = Infinity } = {}): Promise<Played> {
  const bytes = bytesOf(stream);
  const verdict = new Judge(maxMessageBytes).judge(bytes);
  const played = await play(stream, { maxMessageBytes });
  const events = verdict.log.filter((entry) => entry.startsWith('{'));
  expect({ ...played, log: told(played.log) }).toEqual({ ...verdict, log: told(verdict.log), read: events });
  total = {
    sessions: total.sessions + 1,
    bytes: total.bytes + bytes.length,
    mutations: total.mutations + mutations,
    events: total.events + events.length,
    dropped: total.dropped + verdict.log.filter((entry) => DROPPED.has(entry)).length,
    protocolErrors: total.protocolErrors + (verdict.protocolError ? 1 : 0),
  };
  return played;
}

function tell(what: string): void {
  survived(
    `${total.sessions} sessions ${what}, ${total.bytes} bytes (RX_QMP_SEED=${SEED}): ${total.events} events delivered and ` +
      `none that was not sent, ${total.dropped} lines dropped, each with a diagnostic, ${total.protocolErrors} sessions ended ` +
      'by ProtocolError; no promise left pending',
  );
}

/**
 * A log as it is compared. Where a client tells of more than so many of a kind in a second, it tells how many there were afterwards
 * (C14): then only the events are in order, and the rest is counted.
 */
function told(log: readonly string[]): readonly string[] {
  const kinds = log.filter((entry) => !entry.startsWith('{'));
  const isNoisy = kinds.length > NOISE;
  return isNoisy ? [...log.filter((entry) => entry.startsWith('{')), ...kinds.sort()] : log;
}

describe('a stream of bytes', () => {
  beforeAll(() => {
    // Every interrupted command has a stack, which Jest leads back to the sources: most of the time would go there.
    Error.stackTraceLimit = 0;
  });
  beforeEach(() => {
    total = NOTHING;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it(
    'gives the recorded events, cut at any one place, byte by byte or not at all (C6)',
    async () => {
      const lines = RECORDED.slice(0, scale(10, Infinity));
      const whole = lines.join('');
      const everywhere = Array.from({ length: whole.length }, (_, at) => at);
      for (const places of [[], everywhere, ...everywhere.map((at) => [at])]) {
        const { read } = await judged({ chunks: cut(whole, places), text: false, breaks: false });
        expect(read).toHaveLength(lines.filter((line) => line.includes('"event"')).length);
      }
      tell('as recorded, cut at each place');
    },
    PATIENCE,
  );

  it(
    'gives exactly the events that were sent, in order, however they arrive (C6)',
    async () => {
      const property = fc.asyncProperty(faithful, async ({ events, stream }) => {
        const { read, log } = await judged(stream);
        expect(read).toEqual(events);
        expect(log.filter((entry) => entry !== 'unknown-id')).toEqual(events);
      });
      await fc.assert(property, { numRuns: scale(500, 25_000), seed: SEED });
      tell('of random events, cut anywhere');
    },
    PATIENCE,
  );

  it(
    'gives what its lines say and nothing else, whatever has become of them (C5, C9)',
    async () => {
      const members = Reflect.ownKeys(Object.prototype);
      const property = fc.asyncProperty(spoilt, async ({ mutations, stream }) => {
        await judged(stream, { mutations });
      });
      await fc.assert(property, { numRuns: scale(1_000, 50_000), seed: SEED });
      expect(Reflect.ownKeys(Object.prototype)).toEqual(members);
      tell(`with ${total.mutations} mutations`);
    },
    PATIENCE,
  );

  it(
    'ends at a message above maxMessageBytes, however it arrives (C5)',
    async () => {
      const property = fc.asyncProperty(oversize, async ({ stream }) => {
        await judged(stream, { maxMessageBytes: LIMIT });
      });
      await fc.assert(property, { numRuns: scale(100, 5_000), seed: SEED });
      tell('with a message about as long as maxMessageBytes');
    },
    PATIENCE,
  );
});
