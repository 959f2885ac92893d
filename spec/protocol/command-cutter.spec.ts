import fc from 'fast-check';
import { CommandCutter } from '../../src/protocol/command-cutter.js';

/** The texts that come out of these chunks. */
function texts(...chunks: (string | Uint8Array)[]): string[] {
  const cutter = new CommandCutter(1_000_000);
  const out: string[] = [];
  for (const chunk of chunks) {
    cutter.push(Buffer.from(chunk as string));
    for (let text = cutter.next(); text !== undefined; text = cutter.next()) out.push(text);
  }
  return out;
}

describe('CommandCutter', () => {
  it('ends each text where it ends, with a line end or without', () => {
    expect(texts('{"a":1}{"b":2}\r\n{"c":3}')).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
  });

  it('joins a text that is spread over lines and chunks', () => {
    expect(texts('{\n  "a": [\n1,\r\n2]\n', '}')).toEqual(['{\n  "a": [\n1,\r\n2]\n}']);
  });

  it('leaves strings alone', () => {
    expect(texts(String.raw`{"a":"}{\"}\\"}{"b":"["}`)).toEqual([String.raw`{"a":"}{\"}\\"}`, '{"b":"["}']);
  });

  it('begins again after a string that a line end breaks', () => {
    expect(texts('{"a":"x\n{"b":1}')).toEqual(['{"a":"x\n', '{"b":1}']);
    expect(texts('{"a":"x\\\n{"b":1}')).toEqual(['{"a":"x\\\n', '{"b":1}']);
  });

  it('gives rubbish out as soon as it is seen', () => {
    expect(texts('hello {"a":1}')).toEqual(['hello', '{"a":1}']);
    expect(texts('hel', 'lo', '{"a":1}')).toEqual(['hello', '{"a":1}']);
    expect(texts('}]:')).toEqual(['}', ']', ':']);
    expect(texts('[}{"a":1}')).toEqual(['[}', '{"a":1}']);
    expect(texts('"x""y"')).toEqual(['"x"', '"y"']);
  });

  it('gives nothing out before the end of a text', () => {
    const cutter = new CommandCutter(100);
    cutter.push(Buffer.from('{"a":[1,{'));
    expect(cutter.next()).toBeUndefined();
    cutter.push(Buffer.from('}]} \n'));
    expect([cutter.next(), cutter.next()]).toEqual(['{"a":[1,{}]}', undefined]);
  });

  it('refuses a text that is longer than its limit, however it is cut, and goes on after it', () => {
    const cutter = new CommandCutter(10);
    for (const chunk of ['{"a":', '"', '123456']) cutter.push(Buffer.from(chunk));
    expect(() => cutter.next()).toThrow('a command of more than 10 bytes');
    cutter.push(Buffer.from('{"b":12}'));
    expect(cutter.next()).toBe('{"b":12}');
    cutter.push(Buffer.from('{"b":1234567}'));
    expect(() => cutter.next()).toThrow('a command of more than 10 bytes');
  });

  it('takes a time that grows with the bytes, even if they come one by one', () => {
    const cutter = new CommandCutter(1_000_000);
    const bytes = Buffer.from(`{"a":"${'x'.repeat(200_000)}"}`);
    const begun = performance.now();
    let text: string | undefined;
    for (let at = 0; at < bytes.length; at += 1) {
      cutter.push(bytes.subarray(at, at + 1));
      text = cutter.next();
    }
    expect(text).toHaveLength(bytes.length);
    // Were each byte looked at again with each chunk, it would be minutes.
    expect(performance.now() - begun).toBeLessThan(5_000);
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
          const got = texts(...chunks).map((text) => JSON.parse(text) as unknown);
          expect(JSON.stringify(got)).toBe(
            JSON.stringify(objects.map((one) => JSON.parse(JSON.stringify(one)) as unknown)),
          );
        },
      ),
    );
  });
});
