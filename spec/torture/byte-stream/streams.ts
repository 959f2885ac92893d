import fc from 'fast-check';
import { mutate, mutation } from './mutations.js';
import { HANDSHAKE, LINES, RECORDED } from './recorded.js';

/** What a server says, and how it arrives. */
export interface Stream {
  /** One character is one byte; with `text` it is one UTF-16 unit. */
  readonly chunks: readonly string[];
  readonly text: boolean;
  /** Whether the connection ends by an error. */
  readonly breaks: boolean;
}

export function bytesOf({ chunks, text }: Stream): Buffer {
  return Buffer.from(chunks.join(''), text ? 'utf8' : 'latin1');
}

export function cut(whole: string, places: readonly number[]): string[] {
  const cuts = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return cuts.slice(1).map((to, index) => whole.slice(cuts[index], to));
}

/** These bytes, as they may arrive. */
function arriving<T extends { bytes: string }>(
  content: fc.Arbitrary<T>,
): fc.Arbitrary<Omit<T, 'bytes'> & { stream: Stream }> {
  const places = fc.oneof(
    fc.constantFrom<('nowhere' | 'everywhere')[]>('nowhere', 'everywhere'),
    fc.array(fc.nat(), { maxLength: 20 }),
  );
  return fc
    .record({ content, places, text: fc.boolean(), breaks: fc.boolean() })
    .map(({ content: { bytes, ...rest }, places, text, breaks }) => {
      const whole = text ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
      const everywhere = Array.from({ length: Math.min(whole.length, 10_000) }, (_, at) => at);
      const cuts = places === 'nowhere' ? [] : places === 'everywhere' ? everywhere : places;
      return { ...rest, stream: { chunks: cut(whole, cuts), text, breaks } };
    });
}

const event = fc.record(
  {
    timestamp: fc.record({ seconds: fc.nat(), microseconds: fc.nat(999_999) }),
    event: fc.oneof(fc.constantFrom('STOP', 'RESUME', '__proto__', 'toString'), fc.string({ unit: 'binary' })),
    data: fc.oneof(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }), { noNullPrototype: true }),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: ['event'], noNullPrototype: true },
);

/** JSON with QEMU's blanks. */
function spaced(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replaceAll(/\n */g, ' ');
}

const line = fc
  .tuple(event, fc.constantFrom(JSON.stringify, spaced), fc.constantFrom('\r\n', '\n', '\r\n\r\n', ' \n \t\r\n'))
  .map(([sent, write, end]) => Buffer.from(write(sent) + end).toString('latin1'));
const lines = fc.array(fc.oneof(line, fc.constantFrom(...LINES)), { maxLength: 30 });

function eventsIn(bytes: readonly string[]): string[] {
  return bytes
    .map((one) => JSON.parse(Buffer.from(one, 'latin1').toString('utf8')) as object)
    .filter((message) => 'event' in message)
    .map((message) => JSON.stringify(message));
}

/** A session, and the events it brings. */
export const faithful: fc.Arbitrary<{ events: string[]; stream: Stream }> = arriving(
  lines.map((all) => ({ events: eventsIn(all), bytes: HANDSHAKE + all.join('') })),
);

/** A session damaged so many times. */
export const spoilt: fc.Arbitrary<{ mutations: number; stream: Stream }> = arriving(
  fc
    .record({
      whole: fc.oneof(
        { weight: 1, arbitrary: fc.constant(RECORDED.join('')) },
        { weight: 6, arbitrary: lines.map((all) => HANDSHAKE + all.join('')) },
      ),
      mutations: fc.array(mutation, { minLength: 1, maxLength: 12 }),
    })
    .map(({ whole, mutations }) => ({ mutations: mutations.length, bytes: mutations.reduce(mutate, whole) })),
);

/** The longest line that is allowed beside {@link oversize}. */
export const LIMIT = 10_000;

function padded(size: number, [begin, pad, end]: readonly [string, string, string]): string {
  return begin + pad.repeat(size - begin.length - end.length) + end;
}

/** A session with one line of about {@link LIMIT} bytes: an event, rubbish or blanks. */
export const oversize: fc.Arbitrary<{ stream: Stream }> = arriving(
  fc
    .record({
      before: lines,
      size: fc.constantFrom(LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 2, 2 * LIMIT),
      kind: fc.constantFrom(['{"event":"LONG","data":"', 'x', '"}'], ['rubbish', '}', ''], [' ', '\t', '\r']),
      end: fc.constantFrom('\n', '\r\n', '', '\r'),
      after: lines,
    })
    .map(({ before, size, kind, end, after }) => {
      const long = padded(size, kind) + end;
      return { bytes: [HANDSHAKE, ...before, long, ...after].join('') };
    }),
);
