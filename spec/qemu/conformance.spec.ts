import { firstValueFrom, Subject } from 'rxjs';
import { FakeQemu, type Schema } from 'rx-qmp/testing';
import { address } from 'rx-qmp/node';
import { dialogue, type Line } from '../support/dialogue.js';
import { describeQemu, startQemu } from '../support/qemu.js';

const NEGOTIATE = '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}';
const PLAIN = '{"execute": "qmp_capabilities"}';

const command = (execute: string, args?: object): string => JSON.stringify({ execute, arguments: args, id: execute });

/** `options` are of this file, which the next dialogue must not find. */
const create = (id: string): Line => ({
  say: command('blockdev-create', {
    'job-id': id,
    options: { driver: 'file', filename: `${id}.img`, size: 65536 },
  }),
  until: (message) => JSON.stringify(message).includes('concluded'),
});

/** Each is held with a QEMU and with a FakeQemu; both must say the same. */
const dialogues: Readonly<Record<string, readonly (string | Line)[]>> = {
  'greets, and takes nothing but qmp_capabilities at first': [
    command('query-status'),
    command('no-such-command'),
    '{"execute": "stop"}',
    '{"exec-oob": "query-yank", "id": 1}',
    command('qmp_capabilities', { enable: ['nonsense'] }),
    command('qmp_capabilities', { bogus: 1 }),
    NEGOTIATE,
    PLAIN,
    command('query-status'),
  ],
  'emits before it replies': [
    PLAIN,
    command('stop'),
    command('stop'),
    command('query-status'),
    command('cont'),
    command('cont'),
    command('query-status'),
    command('system_reset'),
    command('system_powerdown'),
  ],
  'gives back ids as they came': [
    PLAIN,
    '{"execute": "stop", "id": {"a": [1, "x"]}}',
    '{"execute": "cont", "id": null}',
    '{"execute": "nonsense", "id": 1.5}',
    '{"execute": "query-name"}{"execute": "query-name", "id": 2}',
  ],
  'runs out of band only what may be': [
    NEGOTIATE,
    '{"exec-oob": "query-yank", "id": 1}',
    '{"exec-oob": "query-yank"}',
    '{"exec-oob": "query-status", "id": 2}',
    '{"exec-oob": "job-dismiss", "id": 2}',
    '{"exec-oob": "no-such-command", "id": 3}',
    '{"execute": "stop", "exec-oob": "stop", "id": 4}',
  ],
  'takes no exec-oob without the capability': [PLAIN, '{"exec-oob": "query-yank", "id": 1}'],
  'says what is wrong with a message': [
    PLAIN,
    '{"id": 1}',
    '{"execute": 5, "id": 1}',
    '{"execute": "stop", "more": 1, "id": 1}',
    '{"execute": "stop", "arguments": 5, "id": 1}',
    '{"execute": "stop", "arguments": null, "id": 1}',
    '[1, 2]',
    '"text"',
    '5 ',
    'nonsense\n',
    '{]\n',
    '{"execute": "stop", }\n',
    '\n\r\n  \n',
    '{"execute": \n"query-name",\n"id": 7}\n',
    '{"execute": "caf\u00e9 \\u0001\\u007f\\"", "id": 1}',
  ],
  'says what is wrong with the arguments': [
    PLAIN,
    command('stop', { bogus: 1 }),
    command('job-dismiss'),
    command('job-dismiss', { id: 5 }),
    command('job-dismiss', { id: 'a', more: 1 }),
    command('human-monitor-command', { 'command-line': 'info status', 'cpu-index': 'x' }),
    command('blockdev-create', { 'job-id': 'j', options: 5 }),
    command('blockdev-create', { 'job-id': 'j', options: {} }),
  ],
  'runs a job through its life': [
    PLAIN,
    create('j0'),
    command('query-jobs'),
    command('blockdev-create', { 'job-id': 'j0', options: { driver: 'file', filename: 'x', size: 1 } }),
    command('blockdev-create', { 'job-id': '1j', options: { driver: 'file', filename: 'x', size: 1 } }),
    ...['cancel', 'pause', 'resume', 'complete', 'finalize'].map((verb) => command(`job-${verb}`, { id: 'j0' })),
    command('job-dismiss', { id: 'j0' }),
    command('job-dismiss', { id: 'j0' }),
    command('query-jobs'),
  ],
  'quits with SHUTDOWN, the end of its jobs and the reply': [PLAIN, create('j1'), command('quit')],
  'answers the usual queries': [
    PLAIN,
    ...['query-version', 'query-name', 'query-uuid', 'query-block', 'query-jobs', 'query-block-jobs', 'query-pci'].map(
      (name) => command(name),
    ),
    ...['query-cpus-fast', 'query-iothreads', 'query-vnc', 'query-migrate', 'query-named-block-nodes'].map((name) =>
      command(name),
    ),
    command('human-monitor-command', { 'command-line': 'info status' }),
    command('human-monitor-command', { 'command-line': 'nonsense' }),
  ],
};

/** With QEMU's own schema, FakeQemu checks the arguments of commands it has no answer for. */
const checkedBySchema: readonly string[] = [
  PLAIN,
  command('blockdev-add', { driver: 'nonsense', 'node-name': 'a' }),
  command('blockdev-add', { 'node-name': 'a' }),
  command('blockdev-add', { driver: 'file', 'node-name': 'a' }),
  command('blockdev-add', { driver: 'file', 'node-name': 'a', filename: 5 }),
  command('blockdev-add', { driver: 'file', 'node-name': 'a', filename: 'x', bogus: 1 }),
  command('blockdev-add', { driver: 'qcow2', file: { driver: 'file', filename: 5 } }),
  command('migrate', { uri: 5 }),
  command('migrate', {}),
  command('migrate-set-capabilities', { capabilities: [{ capability: 'xbzrle', state: 'yes' }] }),
  command('migrate-set-capabilities', { capabilities: [{ capability: 'nonsense', state: true }] }),
  command('migrate-set-capabilities', { capabilities: {} }),
  command('send-key', { keys: [{ type: 'nonsense', data: 'a' }] }),
  command('set_link', { name: 'x' }),
  command('no-such-command', { id: 1 }),
];

/** The clock and the package differ between any two QEMUs. */
const comparable = (messages: readonly object[]): unknown[] =>
  JSON.parse(
    JSON.stringify(messages, (key, value: unknown) => (key === 'timestamp' || key === 'package' ? '(any)' : value)),
  ) as unknown[];

describeQemu('FakeQemu and QEMU 7.2', () => {
  it.each(Object.entries(dialogues))('%s', async (_name, lines) => {
    const qemu = await startQemu();
    try {
      const real = await dialogue(address(qemu.address), lines);
      const fake = await dialogue(new FakeQemu().connector, lines);

      expect(real.length).toBeGreaterThan(1);
      expect(comparable(fake)).toEqual(comparable(real));
    } finally {
      await qemu.stop();
    }
  });

  it('check the arguments of every command against the schema', async () => {
    const qemu = await startQemu();
    try {
      const [, , answer] = await dialogue(address(qemu.address), [PLAIN, command('query-qmp-schema')]);
      const schema = (answer as { return: Schema }).return;
      const real = await dialogue(address(qemu.address), checkedBySchema);
      const fake = await dialogue(new FakeQemu({ schema }).connector, checkedBySchema);

      expect(comparable(fake)).toEqual(comparable(real));
      expect(real.slice(2).every((message) => 'error' in message)).toBe(true);
    } finally {
      await qemu.stop();
    }
  });

  it('serve one client at a time, the next when the first has left', async () => {
    const qemu = await startQemu();
    try {
      for (const connector of [address(qemu.address), new FakeQemu().connector]) {
        const first = await connector(new AbortController().signal);
        const heard = new Subject<unknown>();
        first.incoming$.subscribe({
          next: () => {
            heard.next(null);
          },
          error: () => undefined,
        });
        let served = false;
        const second = dialogue(connector, [PLAIN, command('query-status')]).finally(() => (served = true));
        const answered = firstValueFrom(heard);
        first.send(PLAIN);
        await answered;
        expect(served).toBe(false);

        first.close();

        expect(await second).toHaveLength(3);
      }
    } finally {
      await qemu.stop();
    }
  });
});
