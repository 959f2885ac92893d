import fc from 'fast-check';
import { findRounded, parseExact, stringify } from '../../src/protocol/json.js';
import { mayHoldLongInteger } from '../../src/protocol/long-integers.js';

describe('parseExact', () => {
  it('gives what JSON.parse gives, but for the type of long integers (C6)', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        const asNumbers = JSON.stringify(parseExact(text), (_key, member: unknown) =>
          typeof member === 'bigint' ? Number(member) : member,
        );
        expect(asNumbers).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('gives every integer exactly, wherever it stands (C6, row 51)', () => {
    const integer = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n });
    fc.assert(
      fc.property(integer, fc.string({ unit: 'binary' }), fc.nat(40), (value, text, blanks) => {
        const json = `{${JSON.stringify(text)}:[${' '.repeat(blanks)}${value},${JSON.stringify(`${text}${value}`)}]}`;
        const [first, second] = (parseExact(json) as Record<string, [unknown, unknown]>)[text] ?? [];
        expect(BigInt(first as number)).toBe(value);
        expect(typeof first).toBe(value >= -(2n ** 53n) && value <= 2n ** 53n ? 'number' : 'bigint');
        expect(second).toBe(`${text}${value}`);
      }),
    );
  });

  it('leaves 2^53 itself a number, and fractions and exponents as they are', () => {
    expect(parseExact('[9007199254740992,9007199254740993,1.2345678901234567890,12345678901234567890e2]')).toEqual([
      9007199254740992,
      9007199254740993n,
      1.2345678901234567,
      1234567890123456789012,
    ]);
  });

  it.each([
    '{"a":1234567890123456789,}',
    '[12345678901234567890',
    '12345678901234567890x',
    '-',
    '[-12345678901234567890-]',
  ])('refuses %s, which is no JSON', (text) => {
    expect(() => parseExact(text)).toThrow(SyntaxError);
  });

  it('refuses an integer of more digits than anybody needs: making it takes minutes', () => {
    expect(() => parseExact('9'.repeat(1_000_000))).toThrow(SyntaxError);
  });

  it('never takes a name for a prototype (C9)', () => {
    const value = parseExact('{"__proto__":{"polluted":12345678901234567890}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(value)).toEqual(['__proto__']);
  });
});

describe('findRounded', () => {
  it('finds every integer that is not the same as a number (C6)', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.nat(40), (value, blanks) => {
        const text = `{"a":${' '.repeat(blanks)}${value}}`;
        const rounded = BigInt(Number(value)) !== value;
        expect(findRounded(text)).toBe(rounded ? String(value) : undefined);
        if (rounded) expect(mayHoldLongInteger(text)).toBe(true);
      }),
    );
  });
});

describe('stringify', () => {
  it('writes what JSON.stringify writes (C6)', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        expect(stringify(value, 'arguments')).toBe(JSON.stringify(value));
      }),
    );
  });

  it('writes bigints exactly, leaves undefined members out, takes toJSON (C6)', () => {
    const value = { a: 2n ** 64n, b: undefined, c: [-1n], d: new Date(0) };
    expect(stringify(value, 'arguments')).toBe('{"a":18446744073709551616,"c":[-1],"d":"1970-01-01T00:00:00.000Z"}');
  });

  const circular: { self?: object } = {};
  circular.self = circular;
  it.each<[string, unknown, RegExp]>([
    ['NaN', { speed: NaN }, /arguments\.speed is NaN/],
    ['Infinity', [-Infinity], /arguments\[0\] is -Infinity/],
    ['half a surrogate pair', { a: ['x\uD800'] }, /arguments\.a\[0\] holds half a surrogate/],
    ['half a surrogate pair in a name', { '\uDC00': 1 }, /a name in arguments/],
    ['a non-character', { a: '\uFFFE' }, /non-character/],
    ['an undefined item', [undefined], /arguments\[0\] is undefined/],
    ['a hole', [1, , 2], /arguments\[1\] is undefined/],
    ['a function', { f: () => 1 }, /arguments\.f is a function/],
    ['a symbol', { s: Symbol('s') }, /arguments\.s is a symbol/],
    ['a circle', circular, /nested more than 1000 deep/],
  ])('refuses %s with a TypeError that says where (C5)', (_name, value, message) => {
    expect(() => stringify(value, 'arguments')).toThrow(TypeError);
    expect(() => stringify(value, 'arguments')).toThrow(message);
  });

  it('refuses nesting over 1,000 and takes 1,000 (C5)', () => {
    const nested = (depth: number): unknown[] => (depth === 0 ? [] : [nested(depth - 1)]);
    expect(stringify(nested(1_000), 'arguments')).toHaveLength(2_002);
    expect(() => stringify(nested(1_001), 'arguments')).toThrow(TypeError);
  });
});
