import { ExecInterruptedError, ExecuteError, StateError } from 'rx-qmp';
import { executeAsText } from '../../src/client/qmp-client.js';
import { collect, connected } from '../support/wire.js';

const QUERY = { name: 'query-name', args: undefined, oob: false } as const;

describe('executeAsText', () => {
  it('resolves with the text of the result, which is not parsed (H6)', async () => {
    const { client, line } = await connected();
    const results = [executeAsText(client, QUERY), executeAsText(client, QUERY)];
    line.receive('{"return": {"a":  1.0, "a": 18446744073709551615}, "id": 3}\r\n{"return": not JSON, "id": 2}\r\n');
    expect(await Promise.all(results)).toEqual(['not JSON', '{"a":  1.0, "a": 18446744073709551615}']);
    expect(client.stats).toMatchObject({ pending: 0, replies: 3, faults: 0 });
    await client.close();
  });

  it('parses what other callers wait for, also in the same chunk (H6)', async () => {
    const { client, line } = await connected();
    const results = [client.execute('query-name'), executeAsText(client, QUERY), client.execute('query-name')];
    line.receive([2, 3, 4].map((id) => `{"return": {"name": "${id}"}, "id": ${id}}\r\n`).join(''));
    expect(await Promise.all(results)).toEqual([{ name: '2' }, '{"name": "3"}', { name: '4' }]);
    await client.close();
  });

  it('writes the text itself where a reply does not look like those of QEMU, its integers exact (H6, C6)', async () => {
    const { client, line } = await connected({ integers: 'exact' });
    const result = executeAsText(client, QUERY);
    line.receive('{"id": 2, "return": {"size": 18446744073709551615}}\r\n');
    expect(await result).toBe('{"size":18446744073709551615}');
    await client.close();
  });

  it('rejects where such a reply cannot be written, and the session goes on (H6)', async () => {
    const { client, line } = await connected();
    const result = executeAsText(client, QUERY);
    line.receive(String.raw`{"id": 2, "return": "\ud800"}` + '\r\n');
    await expect(result).rejects.toThrow(/surrogate/);
    expect(client.state.phase).toBe('ready');
    await client.close();
  });

  it('rejects with what QEMU refuses, with the end of the session, and without one (H6, C4)', async () => {
    const { client, line } = await connected();
    const results = [executeAsText(client, QUERY), executeAsText(client, QUERY)];
    line.refuse('no', line.sent[1]);
    line.end();
    await expect(results[0]).rejects.toThrow(ExecuteError);
    await expect(results[1]).rejects.toThrow(ExecInterruptedError);
    await expect(executeAsText(client, QUERY)).rejects.toThrow(StateError);
    await client.close();
  });

  it('keeps the order of events and replies, and the bound of a message (H6, C6)', async () => {
    const { client, line } = await connected({ maxMessageBytes: 1_000 });
    const seen = collect(client.events$);
    const result = executeAsText(client, QUERY).then(() => seen.length);
    line.emit('STOP');
    line.receive('{"return": {}, "id": 2}\r\n');
    expect(await result).toBe(1);
    const tooLarge = executeAsText(client, QUERY);
    line.receive(`{"return": "${'x'.repeat(1_000)}", "id": 3}\r\n`);
    await expect(tooLarge).rejects.toThrow(ExecInterruptedError);
    expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'ProtocolError' } });
    await client.close();
  });

  it('a reply that nobody waits for any more is noise, not an answer (H6, C14)', async () => {
    const { client, line } = await connected();
    const diagnostics = collect(client.diagnostics$);
    line.receive('{"return": {}, "id": 77}\r\n');
    expect(diagnostics).toMatchObject([{ kind: 'unknown-id' }]);
    await client.close();
  });

  it('knows that QEMU lives on after SHUTDOWN where it answers (H6, C7)', async () => {
    const { client, line } = await connected();
    line.emit('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    const result = executeAsText(client, QUERY);
    line.receive('{"return": {}, "id": 2}\r\n');
    await result;
    line.end();
    expect(client.state).toMatchObject({ phase: 'closed', cause: expect.any(Error) as Error });
    await client.close();
  });
});
