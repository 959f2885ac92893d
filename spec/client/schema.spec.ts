import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient, QmpSchema, schemaOf } from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';

const schemaFile = (version: string): object[] => {
  const text = readFileSync(join(__dirname, `../../qapi/qemu-${version}.json`), 'utf8');
  const value = JSON.parse(text) as object[] | { return: object[] };
  return Array.isArray(value) ? value : value.return;
};

describe('QmpSchema', () => {
  const old = new QmpSchema(schemaFile('7.2.22'));
  const later = new QmpSchema(schemaFile('10.0.13'));

  it('knows commands, events and their members', () => {
    expect(old.has('blockdev-backup')).toBe(true);
    expect(old.has('STOP')).toBe(true);
    expect(old.has('fly')).toBe(false);
    expect(old.has('SHUTDOWN', 'reason')).toBe(true);
    expect(old.has('fly', 'to')).toBe(false);
    expect(old.commands).toContain('query-status');
    expect(old.events).toContain('GUEST_PANICKED');
    expect(old.commands).not.toContain('STOP');
  });

  it('looks into members of members, arrays, alternatives and variants', () => {
    expect(old.has('transaction', 'actions.type')).toBe(true);
    expect(old.has('blockdev-add', 'file.filename')).toBe(true);
    expect(old.has('query-block', 'inserted.image.filename', 'result')).toBe(true);
    expect(old.has('query-block', 'inserted.image.filename')).toBe(false);
  });

  it('tells versions apart', () => {
    expect(old.has('blockdev-backup', 'discard-source')).toBe(false);
    expect(later.has('blockdev-backup', 'discard-source')).toBe(true);
  });

  it('lists the values of an enumeration', () => {
    expect(old.values('blockdev-backup', 'sync')).toEqual(['bitmap', 'full', 'incremental', 'none', 'top']);
    expect(old.values('query-status', 'status', 'result')).toContain('prelaunch');
    expect(old.values('blockdev-backup', 'device')).toEqual([]);
  });

  it('lists features, and which commands overtake', () => {
    expect(old.features('query-cpus-fast', 'nothing')).toEqual([]);
    expect(old.features('blockdev-backup', 'x-perf')).toEqual(['unstable']);
    expect(old.features('savevm')).toEqual([]);
    expect(old.allowsOob('migrate-pause')).toBe(true);
    expect(old.allowsOob('stop')).toBe(false);
  });

  it('lists the members of arguments, for completion', () => {
    expect(old.members('device_del')).toEqual([{ name: 'id', optional: false, kind: 'string' }]);
    expect(old.members('blockdev-create', 'options')).toContainEqual({ name: 'driver', optional: false, kind: 'enum' });
    expect(old.members('fly')).toEqual([]);
  });

  it('ends on a schema whose types hold themselves', () => {
    const odd = new QmpSchema([
      { name: 'loop', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
      { name: '0', 'meta-type': 'object', members: [{ name: 'a', type: '1' }], variants: [{ case: 'x', type: '0' }] },
      { name: '1', 'meta-type': 'array', 'element-type': '1' },
    ]);
    expect(odd.has('loop', 'a')).toBe(true);
    expect(odd.has('loop', 'a.b')).toBe(false);
  });
});

describe('schemaOf', () => {
  const asked = (fake: FakeQemu): number =>
    fake.received.filter(({ execute }) => execute === 'query-qmp-schema').length;

  it('asks once in each session', async () => {
    const fake = new FakeQemu();
    const client = new QmpClient(fake.connector);
    await client.connect();
    const [one, two] = await Promise.all([schemaOf(client), schemaOf(client)]);
    expect(two).toBe(one);
    expect(asked(fake)).toBe(1);
    expect(one.has('stop')).toBe(true);
    await client.disconnect();
    fake.restart();
    await client.connect();
    expect(await schemaOf(client)).not.toBe(one);
    expect(asked(fake)).toBe(2);
    await client.close();
  });

  it('asks again after a failure', async () => {
    const fake = new FakeQemu().on('query-qmp-schema', new Error('busy'));
    const client = new QmpClient(fake.connector);
    await client.connect();
    await expect(schemaOf(client)).rejects.toThrow('busy');
    fake.on('query-qmp-schema', {} as never);
    await expect(schemaOf(client)).rejects.toMatchObject({ name: 'ProtocolError' });
    fake.on('query-qmp-schema', []);
    expect((await schemaOf(client)).commands).toEqual([]);
    await client.close();
  });

  it('rejects without a session', async () => {
    const client = new QmpClient(new FakeQemu().connector);
    await expect(schemaOf(client)).rejects.toMatchObject({ name: 'StateError' });
    await client.close();
  });
});
