import fc from 'fast-check';
import { RECORDED } from './recorded.js';

/** One damage to a stream, whose characters stand for a byte each. */
export interface Mutation {
  readonly kind: 'flip' | 'delete' | 'insert' | 'duplicate' | 'swap' | 'truncate' | 'splice';
  readonly at: number;
  /** Where a line begins, not anywhere. */
  readonly atLine: boolean;
  readonly length: number;
  readonly inserted: string;
}

const EVENT = '{"event":"BIG","data":""}';

/** What no QEMU sends, and what it sends at another time. */
const ODD: readonly string[] = [
  ...Array.from('{}[]"\\,: \t\n\r\0'),
  ...['\r\n', '\n\n \t\r\n\r', '\\u0000', '\\ud800'],
  // No UTF-8: a lone byte, half a character, half a surrogate pair, one too long; and a byte order mark, which is.
  ...['\xff', '\xc3', '\xe2\x82', '\xf0\x9f\x98', '\xed\xa0\x80', '\xc0\x80', '\xef\xbb\xbf'],
  ...['null\n', '5\n', '"STOP"\n', '[{"event":"STOP"}]\n', '{}\n', '{"event":"STOP"}x\n', '{"event":"STOP"\n', '-\n'],
  ...['{"event":5}\n', '{"event":null,"return":{},"id":2}\n', '{"event":"STOP","return":{},"id":2}\n'],
  ...['{"__proto__":{"event":"STOP"}}\n', '{"event":"__proto__","data":{"__proto__":{"polluted":true}}}\n'],
  ...['{"constructor":{"prototype":{"polluted":true}}}\n', '{"event":"\\ud800","data":{"\\udc00":"\xed\xb0\x80"}}\n'],
  ...['{"return":{}}\n', '{"error":{}}\n', '{"error":{"class":"GenericError","desc":"no"},"id":3}\n'],
  ...[
    '{"return":{},"error":{},"id":4}\n',
    '{"return":{},"id":[5]}\n',
    '{"return":{},"id":"5"}\n',
    '{"return":{},"id":1e0}\n',
  ],
  ...['{"QMP":{}}\n', '{"QMP":{"version":{"qemu":{"major":1,"minor":2,"micro":3}},"capabilities":[]}}\n'],
  ...[
    '{"event":"N","data":18446744073709551615}\n',
    '{"event":"N","data":-1e400}\n',
    `{"event":"N","data":${'9'.repeat(400)}}\n`,
  ],
];

/** What is long. */
const LONG: readonly string[] = [
  `{"event":"DEEP","data":${'['.repeat(2_000)}${']'.repeat(2_000)}}\n`,
  `{"event":"DEEP","data":${'{"a":'.repeat(20_000)}\n`,
  // The most that an event may have is 64 KiB.
  ...[65_535, 65_536, 65_537].map((bytes) => `${EVENT.replace('""', `"${'x'.repeat(bytes - EVENT.length)}"`)}\n`),
  ...[998, 999, 1_000].map((times) => 'x\n'.repeat(times)),
];

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom<Mutation['kind'][]>('flip', 'delete', 'insert', 'duplicate', 'swap') },
    { weight: 1, arbitrary: fc.constantFrom<Mutation['kind'][]>('truncate', 'splice') },
  ),
  at: fc.nat(),
  atLine: fc.boolean(),
  length: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 2_000 })),
  inserted: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...ODD) },
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
    { weight: 1, arbitrary: fc.constantFrom(...LONG) },
  ),
});

export function mutate(stream: string, { kind, at, atLine, length, inserted }: Mutation): string {
  const somewhere = at % (stream.length + 1);
  const place = atLine ? stream.lastIndexOf('\n', somewhere) + 1 : somewhere;
  const before = stream.slice(0, place);
  const range = stream.slice(place, place + length);
  const after = stream.slice(place + length);
  switch (kind) {
    case 'flip':
      return range === '' ? before : before + flipped(range, length % 8) + stream.slice(place + 1);
    case 'delete':
      return before + after;
    case 'insert':
      return before + inserted + range + after;
    case 'duplicate':
      return before + range + range + after;
    case 'swap':
      return before + after.slice(0, length) + range + after.slice(length);
    case 'truncate':
      return before;
    case 'splice':
      return before + RECORDED.join('').slice(-length);
  }
}

function flipped(range: string, bit: number): string {
  return String.fromCharCode(range.charCodeAt(0) ^ (1 << bit));
}
