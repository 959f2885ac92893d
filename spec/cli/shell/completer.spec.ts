import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpSchema } from '../../../src/client/schema.js';
import { complete } from '../../../src/cli/shell/completer.js';

const schema = new QmpSchema(
  JSON.parse(readFileSync(join(__dirname, '../../../qapi/qemu-7.2.22.json'), 'utf8')) as object[],
);

describe('the completion of rx-qmp shell', () => {
  it.each([
    ['query-sta', ['query-stats ', 'query-stats-schemas ', 'query-status ']],
    ['h', ['help ', 'hmp ', 'human-monitor-command ']],
    ['help job-dis', ['job-dismiss']],
    ['job-dismiss ', ['id=']],
    ['blockdev-add driver=ra', ['driver=raw ']],
    ['blockdev-add read-only=', ['read-only=false ', 'read-only=true ']],
    ['blockdev-add driver=raw o', ['offset=']],
    ['blockdev-add driver=raw cache.', ['cache.direct=', 'cache.no-flush=']],
    [
      'blockdev-add driver=raw file.driver=nbd file.server.type=',
      ['fd', 'inet', 'unix', 'vsock'].map((type) => `file.server.type=${type} `),
    ],
    ['blockdev-add driver=raw file.driver=nbd file.server.type=unix file.server.p', ['file.server.path=']],
    ['device_add driver=e1000 d', []],
    ['no-such-command a', []],
    ['{"exec', ['"exec-oob": "', '"execute": "']],
    ['{"execute": "job-dis', ['"job-dismiss"']],
    ['{"execute": "job-dismiss", ', ['"arguments": {', '"exec-oob": "']],
    ['{"execute": "job-dismiss", "arguments": {', ['"id": "']],
    ['{"execute": "job-dismiss", "arguments": {"id": "a", ', []],
    ['{"execute": "blockdev-add", "arguments": {"driver": "ra', ['"raw"']],
    ['{"execute": "blockdev-add", "arguments": {"read-only": ', ['false', 'true']],
    ['{"execute": "blockdev-add", "arguments": {"driver": "raw", "o', ['"offset": ']],
    ['{"execute": "blockdev-add", "arguments": {"driver": "raw", "cache": {"d', ['"direct": ']],
    [
      '{"execute": "migrate-set-capabilities", "arguments": {"capabilities": [{"capability": "postcopy-r',
      ['"postcopy-ram"'],
    ],
    ['{"execute": "stop"}', []],
    ['{"execute": ]]', []],
    ['{"execute": "__proto__", "arguments": {"', []],
  ])('knows what may follow %s', (line, expected) => {
    expect(complete(schema, line, false)[0]).toEqual(expected);
  });

  it('offers only what the driver that was chosen takes', () => {
    const [raw] = complete(schema, 'blockdev-add driver=raw ', false);
    expect(raw).toContain('offset=');
    expect(raw).not.toContain('l2-cache-size=');
    expect(complete(schema, 'blockdev-add driver=qcow2 ', false)[0]).toContain('l2-cache-size=');
  });

  it('knows the commands of the monitor for people, as its help lists them', () => {
    const hmp = ['c', 'cont', 'info', 'info block', 'info blockstats', 'stop'];
    const after = (line: string): string[] => complete(schema, line, false, hmp)[0];
    expect(after('hmp ')).toEqual(['c ', 'cont ', 'info ', 'stop ']);
    expect(after('hmp info bl')).toEqual(['block ', 'blockstats ']);
    expect(after('hmp info block ')).toEqual([]);
  });

  it('offers an argument once', () => {
    expect(complete(schema, 'job-dismiss id=a ', false)[0]).toEqual([]);
  });

  it('knows the actions of a transaction, and what each of them takes', () => {
    expect(complete(schema, 'blockdev-b', true)[0]).toEqual(['blockdev-backup ']);
    expect(complete(schema, 'blockdev-backup sync=i', true)[0]).toEqual(['sync=incremental ']);
    expect(complete(schema, 'block-dirty-bitmap-add ', true)[0]).toEqual(
      ['disabled', 'granularity', 'name', 'node', 'persistent'].map((name) => `${name}=`),
    );
  });

  it('takes the place of the word at the end', () => {
    expect(complete(schema, 'blockdev-add driver=ra', false)[1]).toBe('driver=ra');
  });
});
