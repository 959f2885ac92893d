import fc from 'fast-check';
import { ProtocolError } from 'rx-qmp';
import { Framing, type FramingOptions } from '../../src/protocol/framing.js';

const MEBIBYTE = 1024 * 1024;

interface Framed {
  readonly messages: object[];
  readonly kinds: string[];
  readonly texts: string[];
  readonly framing: Framing;
}

function framed(options: Partial<FramingOptions> = {}): Framed {
  const messages: object[] = [];
  const kinds: string[] = [];
  const texts: string[] = [];
  const framing = new Framing(
    { name: 'vm', maxMessageBytes: 64 * MEBIBYTE, integers: 'number', ...options },
    {
      message: (message) => messages.push(message),
      diagnostic: ({ kind, message }) => {
        kinds.push(kind);
        texts.push(message);
      },
    },
  );
  return { messages, kinds, texts, framing };
}

function frame(chunks: Iterable<Uint8Array | string>, options?: Partial<FramingOptions>): Framed {
  const result = framed(options);
  for (const chunk of chunks) result.framing.push(chunk);
  result.framing.end();
  return result;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Cuts at the places given, in any order, as often as they are given: empty chunks are chunks too. */
function cut<C extends string | Uint8Array>(whole: C, places: number[]): C[] {
  const cuts = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return cuts.slice(1).map((to, index) => whole.slice(cuts[index], to) as C);
}

const messages = fc.array(
  fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }), { noNullPrototype: true }),
  { maxLength: 5 },
);
const lineEnd = fc.constantFrom('\n', '\r\n', '\r\n\r\n', ' \n\t\r\n');
const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe('Framing', () => {
  describe('chunks', () => {
    it('gives the same messages however the bytes are cut (C6)', () => {
      fc.assert(
        fc.property(messages, lineEnd, cuts, (sent, end, places) => {
          const wire = sent.map((message) => JSON.stringify(message) + end).join('');
          const { messages: got, kinds } = frame(cut(bytes(wire), places));
          expect(JSON.stringify(got)).toBe(JSON.stringify(sent));
          // The shortest text of a large number is seldom the number itself.
          expect(kinds.filter((kind) => kind !== 'rounded-integer')).toEqual([]);
        }),
      );
    });

    it('gives the same messages however the text is cut, between surrogates too (C6)', () => {
      fc.assert(
        fc.property(messages, lineEnd, cuts, (sent, end, places) => {
          const wire = sent.map((message) => `${JSON.stringify(message)}${end}`).join('');
          const { messages: got } = frame(cut(wire, places));
          expect(JSON.stringify(got)).toBe(JSON.stringify(sent));
        }),
      );
    });

    it('takes anything for rubbish without throwing, unless 1,000 lines in a row are (C5)', () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
          expect(() => frame(chunks)).not.toThrow();
        }),
      );
    });

    it('puts a character together that was cut byte by byte', () => {
      const wire = bytes('{"data":"é€😀"}\n');
      expect(frame(cut(wire, [...wire.keys()])).messages).toEqual([{ data: 'é€😀' }]);
    });

    it('keeps nothing of a chunk whose memory is used again', () => {
      const { framing, messages: got } = framed();
      const memory = bytes('{"a":1}\n{"b":');
      framing.push(memory);
      memory.fill(120);
      framing.push(bytes('2}\n'));
      expect(got).toEqual([{ a: 1 }, { b: 2 }]);
    });

    it('ignores blank lines (C5)', () => {
      const { messages: got, kinds } = frame(['\n\r\n  \n\t\n{"a":1}\n\n\n']);
      expect(got).toEqual([{ a: 1 }]);
      expect(kinds).toEqual([]);
    });

    it('takes bad UTF-8 as U+FFFD (small print, row 50)', () => {
      const wire = Uint8Array.of(...bytes('{"a":"'), 0xff, 0xc3, ...bytes('"}\n'));
      expect(frame([wire]).messages).toEqual([{ a: '\uFFFD\uFFFD' }]);
    });
  });

  describe('the end', () => {
    it('delivers a whole message that lacks its line end (small print)', () => {
      const { messages: got, kinds } = frame(['{"a":1}\n{"b":2}']);
      expect(got).toEqual([{ a: 1 }, { b: 2 }]);
      expect(kinds).toEqual([]);
    });

    it('reports half a character at the end of a text (C5)', () => {
      const { messages: got, kinds } = frame(['{"a":1}\n{"b":2}\ud83d']);
      expect(got).toEqual([{ a: 1 }]);
      expect(kinds).toEqual(['half-message']);
    });

    it('reports half a message (C5)', () => {
      const { messages: got, kinds, texts } = frame(['{"a":1}\n{"event":"ST']);
      expect(got).toEqual([{ a: 1 }]);
      expect(kinds).toEqual(['half-message']);
      expect(texts[0]).toContain('{\\"event\\":\\"ST');
    });

    it.each([
      ['blanks', ' \r'],
      ['nothing', ''],
    ])('is silent after %s', (_name, rest) => {
      expect(frame([`{"a":1}\n${rest}`]).kinds).toEqual([]);
    });
  });

  describe('bad lines', () => {
    it.each([
      ['null', 'null'],
      ['a number', '5'],
      ['a string', '"STOP"'],
      ['a list', '[{"event":"STOP"}]'],
      ['half an object', '{"event":"STOP"'],
      ['two objects', '{"a":1}{"b":2}'],
      ['words', 'HTTP/1.1 400 Bad Request'],
      ['a byte order mark', '\uFEFF{"a":1}'],
      ['a name of Object', 'constructor'],
    ])('drops %s with a diagnostic (C5)', (_name, line) => {
      const { messages: got, kinds } = frame([`${line}\n{"ok":true}\n`]);
      expect(got).toEqual([{ ok: true }]);
      expect(kinds).toEqual(['bad-line']);
    });

    it('does not join broken lines into a whole message (C5)', () => {
      const { messages: got, kinds } = frame(['{"a":[{}\n{"c":1}]}\n']);
      expect(got).toEqual([]);
      expect(kinds).toEqual(['bad-line', 'bad-line']);
    });

    it('ends the session after 1,000 in a row, not after 999 (C5)', () => {
      const { framing, messages: got } = framed();
      framing.push('rubbish\n'.repeat(999));
      framing.push('{"a":1}\n');
      framing.push('rubbish\n'.repeat(999));
      expect(got).toEqual([{ a: 1 }]);
      expect(() => {
        framing.push('rubbish\n');
      }).toThrow(ProtocolError);
      expect(() => {
        framed().framing.push('[]\n'.repeat(1_000));
      }).toThrow(/vm: 1000 lines in a row/);
    });

    it('shows no control characters, and little of a long line', () => {
      const [text] = frame([`\u001b[2J${'x'.repeat(MEBIBYTE)}\n`]).texts;
      expect(text).toContain('\\u001b[2J');
      expect(text?.length).toBeLessThan(200);
    });

    it('survives nesting that a recursive parser would not (C5)', () => {
      const { messages: got } = frame([`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}\n{"ok":true}\n`]);
      expect(got.at(-1)).toEqual({ ok: true });
      const exact = frame(
        [`{"n":12345678901234567890,"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}\n{"ok":true}\n`],
        {
          integers: 'exact',
        },
      );
      expect(exact.messages.at(-1)).toEqual({ ok: true });
    });
  });

  describe('sizes', () => {
    it('takes replies far beyond 64 KiB (go-qemu#159)', () => {
      const reply = { return: 'x'.repeat(MEBIBYTE), id: 1 };
      expect(frame([`${JSON.stringify(reply)}\r\n`]).messages).toEqual([reply]);
    });

    it.each([
      ['characters of one byte', 'x'],
      ['characters of three bytes', '€'],
    ])('drops an event of more than 64 KiB, to the byte, in %s (C5)', (_name, character) => {
      const event = (length: number): string => {
        const frameBytes = bytes('{"event":"BIG","data":{"text":""}}').length;
        const room = length - frameBytes;
        const wide = bytes(character).length;
        return `{"event":"BIG","data":{"text":"${character.repeat(Math.floor(room / wide))}${'x'.repeat(room % wide)}"}}`;
      };
      const { messages: got, kinds, texts } = frame([`${event(65_536)}\n${event(65_537)}\n{"ok":true}\n`]);
      expect(got).toHaveLength(2);
      expect(got[1]).toEqual({ ok: true });
      expect(kinds).toEqual(['event-too-large']);
      expect(texts[0]).toContain('65537 bytes');
    });

    it('ends the session at a message above maxMessageBytes, to the byte (C5)', () => {
      const line = JSON.stringify({ return: '€'.repeat(300) });
      const size = bytes(line).length;
      expect(frame([`${line}\n`], { maxMessageBytes: size + 1 }).messages).toHaveLength(1);
      expect(frame([`${line}\n`], { maxMessageBytes: size }).messages).toHaveLength(1);
      expect(() => frame([`${line}\n`], { maxMessageBytes: size - 1 })).toThrow(/vm: a message of more than/);
    });

    it.each([
      ['whole', ['{"a":1}\r\n']],
      ['cut before its end', ['{"a":1}', '\r\n']],
      ['cut inside its end', ['{"a":1}\r', '\n']],
      ['cut before the end of the connection', ['{"a"', ':1}']],
      ['ended by a line feed alone', ['{"a":', '1}\n']],
    ])('does not count the line end of a message, %s (C5)', (_how, chunks) => {
      expect(frame(chunks, { maxMessageBytes: 7 }).messages).toEqual([{ a: 1 }]);
      expect(() => frame(chunks, { maxMessageBytes: 6 })).toThrow(ProtocolError);
    });

    it.each(['12345678', '        ', '{"a":12}'])('ends at %j above maxMessageBytes, message or not (C5)', (line) => {
      for (const chunks of [[`${line}\n`], [line, '\n'], [line]]) {
        expect(() => frame(chunks, { maxMessageBytes: 7 })).toThrow(ProtocolError);
      }
    });

    it('does not wait for the end of a message that is too long (C5)', () => {
      const { framing } = framed({ maxMessageBytes: 1_000 });
      framing.push('x'.repeat(1_000));
      expect(() => {
        framing.push('x');
      }).toThrow(ProtocolError);
    });

    it('copies a long line a fixed number of times, in chunks of any size (C6)', () => {
      const set = jest.spyOn(Uint8Array.prototype, 'set');
      const copied = (length: number, chunk: number): number => {
        set.mockClear();
        const { framing } = framed();
        const piece = new Uint8Array(chunk).fill(120);
        for (let sent = 0; sent < length; sent += chunk) framing.push(piece);
        return set.mock.calls.reduce((sum, [source]) => sum + source.length, 0) / length;
      };
      try {
        expect(copied(8 * MEBIBYTE, 64 * 1024)).toBeLessThan(3);
        expect(copied(32 * MEBIBYTE, 64 * 1024)).toBeLessThan(3);
        expect(copied(256 * 1024, 1)).toBeLessThan(3);
      } finally {
        set.mockRestore();
      }
    });

    it('takes one line of 32 MiB in chunks of 64 KiB (node-qemu)', () => {
      const { framing, messages: got } = framed();
      const wire = bytes(`{"return":"${'x'.repeat(32 * MEBIBYTE)}"}\n`);
      for (let from = 0; from < wire.length; from += 65_536) framing.push(wire.subarray(from, from + 65_536));
      expect(got).toHaveLength(1);
      expect((got[0] as { return: string }).return).toHaveLength(32 * MEBIBYTE);
    });

    it('takes 4 MiB of bare line ends without a word', () => {
      const { messages: got, kinds } = frame([new Uint8Array(4 * MEBIBYTE).fill(10), '{"a":1}\n']);
      expect(got).toEqual([{ a: 1 }]);
      expect(kinds).toEqual([]);
    });
  });

  describe('integers', () => {
    it('rounds by default and says so once per message (C6, row 51, small print)', () => {
      const { messages: got, kinds, texts } = frame(['{"a":9007199254740993,"b":[18446744073709551615]}\n']);
      expect(got).toEqual([{ a: 9007199254740992, b: [18446744073709552000] }]);
      expect(kinds).toEqual(['rounded-integer']);
      expect(texts[0]).toContain('9007199254740993');
    });

    it.each([
      ['2^53', '9007199254740992'],
      ['-2^53', '-9007199254740992'],
      ['2^60, a number to the digit', '1152921504606846976'],
      ['a fraction', '0.12345678901234567'],
      ['a number with an exponent', '12345678901234567e1'],
      ['digits in a string', '"12345678901234567890"'],
      ['digits after an escaped quote', '"\\"12345678901234567890"'],
      ['digits in a name', '{"12345678901234567891":1}'],
    ])('says nothing of %s (C6)', (_name, json) => {
      expect(frame([`{"a":${json}}\n`]).kinds).toEqual([]);
    });

    it('finds an integer behind a string that ends in backslashes', () => {
      expect(frame(['{"a":"\\\\","b":9007199254740993}\n']).kinds).toEqual(['rounded-integer']);
    });

    it('survives integers of any length, and strings of any length beside them (C5)', () => {
      const long = '9'.repeat(400);
      const { messages: got, kinds } = frame([
        `{"a":${long}}\n`,
        `{"s":"${'\\n'.repeat(4 * MEBIBYTE)}","a":${long}}\n`,
      ]);
      expect(got).toHaveLength(2);
      expect(got[0]).toEqual({ a: Infinity });
      expect(kinds).toEqual(['rounded-integer', 'rounded-integer']);
    });
  });
});
