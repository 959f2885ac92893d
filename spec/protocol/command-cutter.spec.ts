import fc from 'fast-check';
import { CommandCutter } from '../../src/protocol/command-cutter.js';

/** What a reader of lines sees of these chunks. */
function lines(...chunks: (string | Uint8Array)[]): string[] {
  const out: Buffer[] = [];
  const cutter = new CommandCutter((bytes) => out.push(Buffer.from(bytes)));
  for (const chunk of chunks) cutter.push(Buffer.from(chunk as string));
  return Buffer.concat(out)
    .toString()
    .split('\n')
    .filter((line) => line.trim() !== '');
}

describe('CommandCutter', () => {
  it('ends each text with a line, whether or not it has one', () => {
    expect(lines('{"a":1}{"b":2}\r\n{"c":3}')).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
  });

  it('joins a text that is spread over lines', () => {
    expect(lines('{\n  "a": [\n1,\r\n2]\n', '}')).toEqual(['{   "a": [ 1,\r 2] }']);
  });

  it('leaves strings alone', () => {
    expect(lines(String.raw`{"a":"}{\"}\\"}{"b":"["}`)).toEqual([String.raw`{"a":"}{\"}\\"}`, '{"b":"["}']);
  });

  it('begins anew after a string that a line end breaks', () => {
    expect(lines('{"a":"x\n{"b":1}')).toEqual(['{"a":"x', '{"b":1}']);
    expect(lines('{"a":"x\\\n{"b":1}')).toEqual(['{"a":"x\\', '{"b":1}']);
  });

  it('ends rubbish with the chunk', () => {
    expect(lines('hello', '{"a":1}')).toEqual(['hello', '{"a":1}']);
    expect(lines('}]"', '{"a":1}')).toEqual(['}]"', '{"a":1}']);
  });

  it('gives the same objects however they are written and cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(undefined, 2),
        fc.constantFrom('', '\n', '\r\n'),
        fc.array(fc.nat(400)),
        (objects, indent, end, cuts) => {
          const bytes = Buffer.from(objects.map((one) => JSON.stringify(one, null, indent) + end).join(''));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
          const chunks = places.slice(1).map((place, index) => Buffer.from(bytes.subarray(places[index], place)));
          const got = lines(...chunks).map((line) => JSON.parse(line) as unknown);
          expect(JSON.stringify(got)).toBe(
            JSON.stringify(objects.map((one) => JSON.parse(JSON.stringify(one)) as unknown)),
          );
        },
      ),
    );
  });
});
