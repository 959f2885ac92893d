import { isErrorReply, isEvent, isGreeting, isSuccessReply, timeOf, type QmpEvent } from 'rx-qmp';

const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: '' };

describe('isGreeting', () => {
  it.each([
    ['with oob', { QMP: { version, capabilities: ['oob'] } }],
    ['without capabilities', { QMP: { version, capabilities: [] } }],
    ['with capabilities and members of tomorrow', { QMP: { version, capabilities: ['new'], more: 1 }, extra: null }],
  ])('takes one %s', (_name, message) => {
    expect(isGreeting(message)).toBe(true);
  });

  it.each([
    ['null', { QMP: null }],
    ['a string', { QMP: 'QMP' }],
    ['nothing in it', { QMP: {} }],
    ['no capabilities', { QMP: { version } }],
    ['a word for capabilities', { QMP: { version, capabilities: 'oob' } }],
    ['numbers for capabilities', { QMP: { version, capabilities: [1] } }],
    ['a version without numbers', { QMP: { version: { qemu: { major: '7' } }, capabilities: [] } }],
    ['a version of null', { QMP: { version: null, capabilities: [] } }],
    ['another member', { qmp: { version, capabilities: [] } }],
  ])('takes none with %s', (_name, message) => {
    expect(isGreeting(message)).toBe(false);
  });
});

describe('isEvent', () => {
  it('wants a name that is a string, and nothing else (row 39)', () => {
    expect(isEvent({ event: 'STOP' })).toBe(true);
    expect(isEvent({ event: '' })).toBe(true);
    for (const event of [5, null, {}, ['STOP']]) expect(isEvent({ event })).toBe(false);
    expect(isEvent({ return: {} })).toBe(false);
  });
});

describe('replies', () => {
  it('are told by their member, whatever the result', () => {
    for (const result of [0, false, '', null, {}, []]) expect(isSuccessReply({ return: result })).toBe(true);
    expect(isErrorReply({ error: { class: 'GenericError', desc: 'no' } })).toBe(true);
    for (const error of [5, null, 'no', {}, { class: 'GenericError' }, { class: 1, desc: 2 }]) {
      expect(isErrorReply({ error })).toBe(false);
    }
  });
});

describe('timeOf', () => {
  it('gives a Date to the millisecond', () => {
    const event = { event: 'STOP', timestamp: { seconds: 1_700_000_000, microseconds: 123_456 } } as QmpEvent;
    expect(timeOf(event).toISOString()).toBe('2023-11-14T22:13:20.123Z');
  });

  it.each([{ seconds: -1, microseconds: -1 }, undefined, null, {}, 5])(
    'gives an invalid Date for the timestamp %j, and throws nothing',
    (timestamp) => {
      const event = { event: 'STOP', timestamp } as unknown as QmpEvent;
      expect(timeOf(event).getTime()).toBeNaN();
    },
  );
});
