import { compareSessions, messageId, readNumbers } from '../../src/fleet/numbers.js';
import { Sequence } from '../../src/fleet/sequence.js';

const vm = { host: 'h1', vm: 'vm1' };
const at = (epoch: number, session: number, n: number, k = n) => ({ epoch, session, n, k });

describe('numbers', () => {
  it('stand in the id of a message, with whose they are (F2)', () => {
    const id = messageId({ host: 'h 1', vm: 'vm.1' }, at(1700000000000, 2, 7, 3));
    expect(id).toBe('h=201/vm=2E1:1700000000000.2.7.3');
    expect(readNumbers({ host: 'h 1', vm: 'vm.1' }, id)).toEqual(at(1700000000000, 2, 7, 3));
  });

  it.each([
    undefined,
    '',
    'h1/vm1:',
    'h1/vm2:1.1.1.1',
    'h1/vm1:1.1.1',
    'h1/vm1:1.1.1.1.1',
    'h1/vm1:1.0.1.1',
    'h1/vm1:1.1.0.0',
    'h1/vm1:1.1.1.2',
    'h1/vm1:-1.1.1.1',
    'h1/vm1:1e3.1.1.1',
    'h1/vm1:9999999999999999.1.1.1',
  ])('that are forged as %j are none (F2)', (id) => {
    expect(readNumbers(vm, id)).toBeUndefined();
  });

  it('compare by epoch, then by session (F2)', () => {
    expect(compareSessions(at(2, 1, 1), at(1, 9, 1))).toBeGreaterThan(0);
    expect(compareSessions(at(1, 1, 1), at(1, 2, 1))).toBeLessThan(0);
    expect(compareSessions(at(1, 1, 1), at(1, 1, 9))).toBe(0);
  });
});

describe('a reader of everything', () => {
  it('sees repeats, holes and sessions (F2)', () => {
    const reader = new Sequence();
    reader.start(at(1, 1, 5), {});
    expect(reader.take('STOP', at(1, 1, 5, 1))).toEqual({ kind: 'old' });
    expect(reader.take('STOP', at(1, 1, 6, 2))).toEqual({ kind: 'next' });
    expect(reader.take('STOP', at(1, 1, 9, 3))).toEqual({ kind: 'hole', missed: 2 });
    expect(reader.take('STOP', at(1, 2, 1, 1))).toEqual({ kind: 'session' });
    expect(reader.take('STOP', at(1, 1, 10, 4))).toEqual({ kind: 'old' });
    expect(reader.take('STOP', at(2, 1, 1, 1))).toEqual({ kind: 'session' });
  });

  it('begins in the middle where nobody told it where that is (F2)', () => {
    const reader = new Sequence();
    expect(reader.take('STOP', at(1, 1, 17, 1))).toEqual({ kind: 'next' });
    expect(reader.take('STOP', at(1, 1, 18, 2))).toEqual({ kind: 'next' });
  });

  it('learns from a beat of a last event that did not come (F2)', () => {
    const reader = new Sequence();
    reader.start(at(1, 1, 5), {});
    expect(reader.beat(1, [1, 5, 3, {}], true)).toBe(0);
    expect(reader.beat(1, [1, 7, 5, {}], true)).toBe(2);
    expect(reader.beat(1, [1, 7, 5, {}], true)).toBe(0);
  });

  it('learns from a beat of what was lost before the first that it heard (F2)', () => {
    const reader = new Sequence();
    reader.take('STOP', at(1, 1, 15, 1));
    expect(reader.beat(1, [1, 16, 10, {}], true)).toBe(4 + 1);
  });

  it('does not count what was sent before it came (F2)', () => {
    const reader = new Sequence();
    reader.take('STOP', at(1, 1, 15, 1));
    expect(reader.beat(1, [1, 16, 10, {}], false)).toBe(1);
    expect(new Sequence().beat(1, [1, 16, 10, {}], false)).toBe(0);
    expect(new Sequence().beat(1, [1, 16, 10, {}], true)).toBe(6);
  });

  it('is told by a beat of a session of which it has heard nothing, and goes on in it (F2)', () => {
    const reader = new Sequence();
    reader.take('STOP', at(1, 1, 15, 1));
    expect(reader.beat(1, [2, 4, 0, {}], true)).toBe('session');
    expect(reader.take('STOP', at(1, 2, 4, 1))).toEqual({ kind: 'old' });
    expect(reader.take('STOP', at(1, 2, 5, 1))).toEqual({ kind: 'next' });
  });

  it('knows that somebody else has published what is ahead of its agent (F2)', () => {
    for (const forged of [at(1, 1, 900, 1), at(1, 7, 1, 1), at(9, 1, 1, 1)]) {
      const reader = new Sequence();
      reader.take('STOP', at(1, 1, 15, 1));
      expect(reader.beat(1, [1, 15, 10, {}], true)).toBe(4);
      reader.take('STOP', forged);
      expect(reader.beat(1, [1, 16, 15, {}], true)).toBe('forged');
    }
  });
});

describe('a reader of some names', () => {
  it('goes by the count of each (F2)', () => {
    const reader = new Sequence(['STOP', 'RESUME']);
    reader.start(at(1, 1, 100), { STOP: 4, WAKEUP: 90 });
    expect(reader.take('STOP', at(1, 1, 107, 5))).toEqual({ kind: 'next' });
    expect(reader.take('RESUME', at(1, 1, 109, 1))).toEqual({ kind: 'next' });
    expect(reader.take('STOP', at(1, 1, 120, 8))).toEqual({ kind: 'hole', missed: 2 });
  });

  it('is not disturbed by the loss of others (F2)', () => {
    const reader = new Sequence(['STOP']);
    reader.start(at(1, 1, 100), { STOP: 4 });
    expect(reader.beat(1, [1, 200, 100, { WAKEUP: [90, 0] }], true)).toBe(0);
    expect(reader.beat(1, [1, 201, 200, { STOP: [5, 4] }], true)).toBe(1);
    reader.take('STOP', at(1, 1, 300, 9));
    expect(reader.beat(1, [1, 301, 201, { STOP: [6, 5] }], true)).toBe('forged');
  });

  it('does not know where a name was that it hears for the first time, until a beat tells (F2)', () => {
    const reader = new Sequence(['STOP', 'RESUME']);
    expect(reader.take('RESUME', at(1, 1, 9, 3))).toEqual({ kind: 'next' });
    expect(reader.take('STOP', at(1, 1, 20, 7))).toEqual({ kind: 'next' });
    expect(reader.beat(1, [1, 20, 8, { STOP: [7, 5], RESUME: [3, 2] }], true)).toBe(1);
  });
});
