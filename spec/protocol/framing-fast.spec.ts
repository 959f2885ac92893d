import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { EventBatch } from '../../src/protocol/event-batch.js';
import { Framing, type FramingOptions } from '../../src/protocol/framing.js';

const session = readFileSync(join(__dirname, '../fixtures/qemu-7.2-session.jsonl'), 'utf8');

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

interface Run extends Partial<FramingOptions> {
  /** Stops after so many messages. */
  readonly stopAfter?: number;
}

/** All that happens, in order, as text: the order of members and -0 count too. */
function logOf(
  batching: boolean,
  chunks: readonly Uint8Array[],
  { stopAfter = Infinity, ...options }: Run = {},
): string[] {
  const log: string[] = [];
  let messages = 0;
  const framing = new Framing(
    { name: 'vm', maxMessageBytes: 1024 * 1024, integers: 'number', ...options },
    {
      message: (message, text) => {
        log.push(`message ${inspect(message)} from ${JSON.stringify(text)}`);
        messages += 1;
        if (messages === stopAfter) framing.stop();
      },
      diagnostic: ({ kind, message }) => log.push(`${kind}: ${message}`),
    },
    batching,
  );
  try {
    for (const chunk of chunks) framing.push(chunk);
    framing.end();
  } catch (error) {
    log.push(String(error));
  }
  return log;
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? `${member}n` : Object.is(member, -0) ? '-0' : member,
  );
}

function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return cuts.slice(1).map((to, index) => whole.slice(cuts[index], to));
}

/** JSON with QEMU's blanks. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`)
    .join(', ')}}`;
}

const digits = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 1_999_999_999 }).map(String) },
  fc.constantFrom(
    '-1',
    '007',
    '0',
    '-0',
    '1.5',
    '1e3',
    '',
    '123456789012345',
    '1234567890123456',
    '99999999999999999999',
  ),
);
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('STOP', 'RESUME', 'JOB_STATUS_CHANGE', '__com.vendor_EVENT', '') },
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom('"', '\\', '\t', '\u0001', 'Ä', 'STOP", "event": "RESUME', 'STOP"}\r\n{"a": "'),
);
const value = fc.jsonValue({ maxDepth: 2 });
const data = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .dictionary(fc.string({ maxLength: 6 }), fc.oneof(fc.string(), fc.integer(), fc.boolean()))
      .map(spaced),
  },
  { weight: 2, arbitrary: fc.dictionary(fc.string({ maxLength: 6 }), value).map(spaced) },
  value.map(spaced),
  // Broken ones that others might complete, and long integers.
  fc.constantFrom(
    '{"a":[{}',
    '{"c":1}]}',
    '{"a":"x}',
    '{","b":1}',
    '{},{}',
    '{"a":1},5',
    '{"c":1},"}',
    '{",5,"}',
    '{"a":1',
    '{"a":{}',
    '{"a":1}}',
    '{"a":1}, "extra": {"b":2}',
    '{"a":1}, "event": "OTHER"',
    '{"a":1}, "data": {"b":2}',
    '{"__proto__":{"polluted":true}}',
    '{"__proto__":1}',
    '{"long":9007199254740993}',
    '{"long":-9007199254740993, "nested":{"long":1e400}}',
    '{"a":"9007199254740993"}',
    '{"a":"\\u007b\\"{"}',
    '{"a":"Ä€😀"}',
    '{"a":[1,2,[]]}',
    '{\t"a"\r: 1 }',
    '{}',
  ),
  fc
    .array(fc.constantFrom('{', '}', '[', ']', '"', '"a":', ',', '1', '\\', ' '), { maxLength: 8 })
    .map((tokens) => `{${tokens.join('')}}`),
);
const lineEnd = fc.oneof(
  { weight: 8, arbitrary: fc.constant('\r\n') },
  fc.constantFrom('\n', ' \r\n', '\r\r\n', '\r\n\r\n', '\n \n', '}\r\n', ''),
);
const event = fc
  .record({
    digits,
    more: digits,
    name,
    data: fc.option(data),
    lineEnd,
    before: fc.constantFrom('', '', '', '', ' ', '\t'),
  })
  .map(
    (it) =>
      `${it.before}{"timestamp": {"seconds": ${it.digits}, "microseconds": ${it.more}}, "event": "${it.name}"` +
      `${it.data === null ? '' : `, "data": ${it.data}`}}${it.lineEnd}`,
  );
const mutated = fc
  .record({
    line: event,
    place: fc.nat(),
    removed: fc.nat({ max: 3 }),
    added: fc.string({ unit: 'binary', maxLength: 2 }),
  })
  .map(({ line, place, removed, added }) => {
    const at = place % (line.length + 1);
    return line.slice(0, at) + added + line.slice(at + removed);
  });
const other = fc.constantFrom(
  '{"return": {}, "id": 1}\r\n',
  '\r\n',
  'null\n',
  '[1]\n',
  'rubbish\n',
  '{"event": 5}\n',
  '{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}\n',
);
const wire = fc
  .array(fc.oneof({ weight: 6, arbitrary: event }, { weight: 2, arbitrary: mutated }, other), { maxLength: 20 })
  .map((lines) => lines.join(''));
const cuts = fc.oneof(fc.constant([]), fc.array(fc.nat(), { maxLength: 12 }));
const run: fc.Arbitrary<Run> = fc.record({
  integers: fc.constantFrom('number', 'exact'),
  maxMessageBytes: fc.oneof({ weight: 4, arbitrary: fc.constant(1024 * 1024) }, fc.integer({ min: 1, max: 600 })),
  stopAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, fc.integer({ min: 1, max: 10 })),
});

/** Data that is broken by itself and whole with its neighbours. */
const halves = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        '{"a":"x}',
        '{","b":1}',
        '{","b":1},5',
        '{"c":1},"}',
        '{",5,"}',
        '{"d":[',
        '],"e":1}',
        '{}',
        '{"f":1}',
      ),
      fc.oneof({ weight: 12, arbitrary: fc.constant('}\r\n') }, fc.constantFrom('x\r\n', ']\r\n', '\r\n', '}x\r\n')),
    ),
    { maxLength: 5 },
  )
  .map((lines) =>
    lines.map(
      ([half, end]) => `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP", "data": ${half}${end}`,
    ),
  );

describe('Framing', () => {
  describe('with and without batches', () => {
    it('gives the same messages and diagnostics for any input, however it is cut', () => {
      fc.assert(
        fc.property(wire, cuts, run, (text, places, options) => {
          const chunks = cut(bytes(text), places);
          expect(logOf(true, chunks, options)).toEqual(logOf(false, chunks, options));
        }),
        { numRuns: 3_000 },
      );
    });

    it('keeps apart two names of one hash that come to the same place of the same memory (C1)', () => {
      const memory = Buffer.alloc(200);
      const names: unknown[] = [];
      const framing = new Framing(
        { name: 'vm', maxMessageBytes: 1024, integers: 'number' },
        { message: (message) => names.push((message as { event: unknown }).event), diagnostic: () => undefined },
      );
      for (const name of ['Aa', 'BB', 'Aa']) {
        const line = `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "${name}"}\r\n`;
        framing.push(memory.subarray(0, memory.write(line)));
      }
      expect(names).toEqual(['Aa', 'BB', 'Aa']);
    });

    it('joins no broken lines to whole messages (C5)', () => {
      fc.assert(
        fc.property(halves, (lines) => {
          const chunks = [bytes(lines.join(''))];
          expect(logOf(true, chunks)).toEqual(logOf(false, chunks));
        }),
        { numRuns: 2_000 },
      );
    });

    it('gives the same for bytes that are no UTF-8', () => {
      fc.assert(
        fc.property(
          wire,
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 128, max: 255 })), { maxLength: 5 }),
          (text, spoilt) => {
            const whole = bytes(text);
            for (const [place, byte] of spoilt) whole[place % Math.max(1, whole.length)] = byte;
            expect(logOf(true, [whole])).toEqual(logOf(false, [whole]));
          },
        ),
        { numRuns: 500 },
      );
    });

    it('gives the same for the recorded session, byte by byte and at once', () => {
      const whole = bytes(session);
      const expected = logOf(false, [whole]);
      expect(expected.length).toBeGreaterThan(50);
      expect(logOf(true, [whole])).toEqual(expected);
      expect(logOf(true, cut(whole, [...whole.keys()]))).toEqual(expected);
    });

    it('gives up none of a batch for one bad line in it (C5)', () => {
      const line = (text: string): string =>
        `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP", "data": ${text}}\r\n`;
      const log = logOf(true, [bytes(['{"n": 1}', '{"n": 2', '{"n": 3}', '{"n": 4}'].map(line).join(''))]);
      expect(log.map((entry) => entry.slice(0, 8))).toEqual(['message ', 'bad-line', 'message ', 'message ']);
    });
  });
});

describe('EventBatch', () => {
  const events = session.split('\n').filter((line) => line.includes('"event"'));

  it('reads every event of a real QEMU', () => {
    const text = events.map((line) => `${line.trimEnd()}\r\n`).join('');
    const batch = new EventBatch(10_000);
    expect(batch.read(bytes(text), text, 0)).toBe(text.length);
    expect(batch.take()?.events.map(inspect)).toEqual(events.map((line) => inspect(JSON.parse(line))));
    expect(batch.take()?.events).toEqual([]);
  });

  it('keeps one string for each name, also when a server sends more of them than the table holds', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `NAME_${index}`);
    const text = names.map((one) => `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "${one}"}\n`).join('');
    const batch = new EventBatch(10_000);
    for (let turn = 0; turn < 2; turn += 1) {
      expect(batch.read(bytes(text), text, 0)).toBe(text.length);
      expect(batch.take()?.events.map((one) => (one as { event: string }).event)).toEqual(names);
    }
  });
});
