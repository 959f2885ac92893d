import fc from 'fast-check';
import {
  checkName,
  classOf,
  matches,
  nameOf,
  parseVmName,
  readEventSubject,
  tokenOf,
} from '../../src/fleet/subjects.js';

describe('subjects', () => {
  it('make one token of any name, and no two of one (F1)', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ unit: 'grapheme', minLength: 1 }),
        (a, b) => {
          expect(tokenOf(a)).toMatch(/^[\w=-]+$/);
          expect(nameOf(tokenOf(a))).toBe(a);
          expect(tokenOf(a) === tokenOf(b)).toBe(a === b);
        },
      ),
    );
  });

  it.each([
    ['web 1.eu', 'web=201=2Eeu'],
    ['__com.redhat_X', '__com=2Eredhat_X'],
    ['~up', '=7Eup'],
    ['grün', 'gr=C3=BCn'],
  ])('write %j as %j (F1)', (name, token) => {
    expect(tokenOf(name)).toBe(token);
  });

  it.each(['=', '=2e', '=41', 'a.b', '', '=FF', 'a b', '=2', '~up'])('take %j for no token of ours (F1)', (token) => {
    expect(nameOf(token)).toBeUndefined();
  });

  it('tell a marker from an event of that name (F1)', () => {
    expect(readEventSubject('evt', 'qmp1.evt.h1.vm1.~up')).toEqual({ host: 'h1', vm: 'vm1', name: '~up' });
    expect(readEventSubject('evt', 'qmp1.evt.h1.vm1.=7Eup')).toEqual({ host: 'h1', vm: 'vm1', name: '~up' });
    expect(readEventSubject('evt', 'qmp1.log.h1.vm1.STOP')).toBeUndefined();
    expect(readEventSubject('evt', 'qmp2.evt.h1.vm1.STOP')).toBeUndefined();
    expect(readEventSubject('evt', 'qmp1.evt.h1.vm1.STOP.x')).toBeUndefined();
  });

  it('have a class for each command, by which rights are given (F1)', () => {
    expect(classOf('query-status', false)).toBe('q');
    expect(classOf('stop', false)).toBe('x');
    expect(classOf('query-yank', true)).toBe('o');
    expect(classOf('query-Status', false)).toBe('x');
    expect(classOf('xquery-status', false)).toBe('x');
  });

  it('match as the server matches them (F10)', () => {
    expect(matches('qmp1.evt.*.*.STOP', 'qmp1.evt.h1.vm1.STOP')).toBe(true);
    expect(matches('qmp1.evt.h1.vm1.*', 'qmp1.evt.h1.vm2.STOP')).toBe(false);
    expect(matches('qmp1.evt.h1.>', 'qmp1.evt.h1.vm2.STOP')).toBe(true);
    expect(matches('qmp1.evt.h1.>', 'qmp1.evt.h1')).toBe(false);
    expect(matches('qmp1.evt.*', 'qmp1.evt.h1.vm1')).toBe(false);
  });

  it('need HOST/VM', () => {
    expect(parseVmName('h1/web 1.eu')).toEqual({ host: 'h1', vm: 'web 1.eu' });
    expect(parseVmName('h1/a/b')).toEqual({ host: 'h1', vm: 'a/b' });
    for (const name of ['vm1', '/vm1', 'h1/', '']) expect(() => parseVmName(name)).toThrow('named HOST/VM');
    expect(() => {
      checkName('VM', 'x'.repeat(201));
    }).toThrow('1 to 200 bytes, not 201');
  });
});
