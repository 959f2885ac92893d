import { Input, type Asked } from '../../../src/cli/shell/input.js';

/** What several lines ask for, the lines that only go on left out. */
function asked(...lines: readonly string[]): Asked[] {
  const input = new Input();
  return lines.map((line) => input.take(line)).filter(({ kind }) => kind !== 'nothing');
}

const command = (name: string, args?: object): Asked => ({
  kind: 'command',
  request: { command: name, args: args as Record<string, unknown> | undefined },
});

describe('a line of rx-qmp shell', () => {
  it.each<[string, Asked]>([
    ['query-status', command('query-status')],
    ['  job-dismiss   id=a ', command('job-dismiss', { id: 'a' })],
    ['x a=1 b=true c=null d=1.5 e="1" f=text', command('x', { a: 1, b: true, c: null, d: 1.5, e: '1', f: 'text' })],
    ["x a='two words' b='1'", command('x', { a: 'two words', b: '1' })],
    ['x a="two \\" words"', command('x', { a: 'two " words' })],
    ['x a.b.c=1 a.d=2', command('x', { a: { b: { c: 1 }, d: 2 } })],
    ['x a={"b": [1, 2]} c=[ 1, "}" ]', command('x', { a: { b: [1, 2] }, c: [1, '}'] })],
    ['x {"a": {"b": 1}}', command('x', { a: { b: 1 } })],
    ['{"execute": "x", "arguments": {"a": 1}}', command('x', { a: 1 })],
    ["hmp info block 'x", command('human-monitor-command', { 'command-line': "info block 'x" })],
    ['help', { kind: 'help', command: undefined }],
    ['help stop', { kind: 'help', command: 'stop' }],
    ['exit', { kind: 'exit' }],
    ['', { kind: 'nothing' }],
  ])('%s', (line, expected) => {
    expect(new Input().take(line)).toEqual(expected);
  });

  it('may be a whole command out of band', () => {
    expect(new Input().take('{"exec-oob": "query-yank"}')).toMatchObject({ request: { oob: true } });
  });

  it('goes on while a bracket is open', () => {
    expect(asked('x {"a":', '{"b": 1}', '}')).toEqual([command('x', { a: { b: 1 } })]);
  });

  it('takes the actions of a transaction, until the bracket closes', () => {
    expect(asked('transaction(', 'abort', 'blockdev-backup device=a target={"x":', '1}', ')', 'stop')).toEqual([
      command('transaction', {
        actions: [
          { type: 'abort', data: {} },
          { type: 'blockdev-backup', data: { device: 'a', target: { x: 1 } } },
        ],
      }),
      command('stop'),
    ]);
  });

  it('forgets what has been begun when it is cleared', () => {
    const input = new Input();
    input.take('transaction(');
    input.take('x {');
    expect(input.isOpen).toBe(true);
    input.clear();
    expect(input.isOpen).toBe(false);
    expect(input.take('stop')).toEqual(command('stop'));
  });

  it.each([['x five'], ['x {"a": }'], ['{"execute": 5}'], ['{"execute": "x", "arguments": 5}']])(
    'refuses %s',
    (line) => {
      expect(() => new Input().take(line)).toThrow();
    },
  );
});
