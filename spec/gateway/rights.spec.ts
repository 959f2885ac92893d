import { closeAll, closeLater, passedOn, startHub, type HubUnderTest } from '../hub/hub-under-test.js';
import { OPERATOR, RawClient, VIEWER, type Json } from '../hub/raw-client.js';

afterEach(closeAll);

/** A viewer and an operator who may stop and cont, both with oob enabled where `oob` is set. */
async function both(
  enable: readonly string[] = [],
): Promise<HubUnderTest & { viewer: RawClient; operator: RawClient }> {
  const test = await startHub({ allow: ['stop', 'cont', 'query-yank'] });
  const viewer = await test.client({ token: VIEWER }, enable);
  const operator = await test.client({ token: OPERATOR }, enable);
  return { ...test, viewer, operator };
}

const refused: Json = { class: 'GenericError', desc: expect.stringContaining('not allowed') as string };

describe('the rights of the hub (H2)', () => {
  it('let a viewer query, and nothing else (H2)', async () => {
    const { viewer, fake } = await both();
    expect(await viewer.ask({ execute: 'query-status', id: 1 })).toMatchObject({ return: { running: true }, id: 1 });
    expect(await viewer.ask({ execute: 'stop', id: 2 })).toEqual({ error: refused, id: 2 });
    expect(await viewer.ask({ execute: 'quit' })).toEqual({ error: refused });
    expect(passedOn(fake)).toEqual([]);
  });

  it('let an operator run what is allowed by name besides (H2)', async () => {
    const { operator, fake } = await both();
    expect(await operator.ask({ execute: 'cont', id: 'a' })).toEqual({ return: {}, id: 'a' });
    expect(await operator.ask({ execute: 'quit', id: 'b' })).toEqual({ error: refused, id: 'b' });
    expect(
      await operator.ask({ execute: 'human-monitor-command', arguments: { 'command-line': 'quit' }, id: 'c' }),
    ).toEqual({
      error: refused,
      id: 'c',
    });
    expect(passedOn(fake)).toEqual(['cont']);
  });

  it.each([
    'Quit',
    'QUIT',
    ' quit',
    'quit ',
    'quit\u0000',
    'stop\u0000quit',
    'query-status\u0000',
    'query-\nquit',
    'query-',
    'query',
    'Query-status',
    'query_status',
    'xquery-status',
    'query-status;quit',
    'query-Status',
    'ѕtop',
    'stop​',
    '*',
    '__proto__',
    'constructor',
    'toString',
  ])('know no other spelling: %j (H2)', async (name) => {
    const { viewer, operator, fake } = await both();
    for (const client of [viewer, operator]) {
      expect(await client.ask({ execute: name, id: 1 })).toEqual({ error: refused, id: 1 });
    }
    expect(passedOn(fake)).toStrictEqual([]);
  });

  it.each([
    String.raw`{"execute":"\u0071uit","id":1}`,
    String.raw`{"exec\u0075te":"quit","id":1}`,
    '{"execute":"query-status","execute":"quit","id":1}',
    '{"id":1,"execute":"query-status","arguments":{},"execute":"quit"}',
    String.raw`{"execute":"query-status","\u0065xecute":"quit","id":1}`,
    '{"execute":["quit"],"id":1}',
    '{"execute":{"toString":"quit"},"id":1}',
    '{"execute":"","id":1}',
    '{"execute":null,"id":1}',
    '{"execute":"query-status","exec-oob":"quit","id":1}',
    '{"exec-oob":"quit","id":1}',
    '{"execute":"query-status","__proto__":{"execute":"quit"},"id":1}',
    '{"__proto__":{"execute":"query-status"},"id":1}',
    '{"Execute":"quit","id":1}',
    '{"execute":"query-status","arguments":[],"id":1}',
    '{"execute":"query-status","arguments":"quit","id":1}',
    '{"execute":"query-status","control":{"run-oob":true},"id":1}',
    '{"id":1}',
  ])('are looked at after parsing: %s (H2)', async (text) => {
    const { viewer, operator, fake } = await both(['oob']);
    for (const client of [viewer, operator]) {
      expect(await client.ask(text)).toEqual({
        error: { class: 'GenericError', desc: expect.any(String) as string },
        id: 1,
      });
    }
    expect(passedOn(fake)).toStrictEqual([]);
  });

  it('send on what was looked at, not what was written: of two names the last (H2)', async () => {
    const { viewer, fake } = await both();
    await viewer.ask('{"execute":"quit","execute":"query-status","arguments":{"a":1},"arguments":{},"id":1}');
    expect(fake.received.at(-1)).toMatchObject({ execute: 'query-status', arguments: {} });
    expect(passedOn(fake)).toEqual([]);
  });

  describe('out of band', () => {
    it('nothing but what is allowed by name, queries included (H2)', async () => {
      const { viewer, operator, fake } = await both(['oob']);
      expect(await viewer.ask({ 'exec-oob': 'query-yank', id: 1 })).toEqual({ error: refused, id: 1 });
      expect(await operator.ask({ 'exec-oob': 'query-status', id: 2 })).toEqual({ error: refused, id: 2 });
      expect(await operator.ask({ 'exec-oob': 'query-yank', id: 3 })).toMatchObject({ return: [{}], id: 3 });
      expect(passedOn(fake)).toEqual(['oob query-yank']);
    });

    it('needs the capability, and an id, as with QEMU', async () => {
      const { operator } = await both([]);
      expect(await operator.ask({ 'exec-oob': 'query-yank', id: 1 })).toHaveProperty('error');
      expect(await operator.ask({ 'exec-oob': 'query-yank' })).toEqual({ error: expect.anything() as object });
    });
  });

  it('stay closed until the capabilities are negotiated, and qmp_capabilities is never passed on', async () => {
    const { url, fake, viewer } = await both();
    const early = closeLater(await RawClient.open(url, { token: OPERATOR }));
    expect(await early.next()).toMatchObject({ QMP: { version: { package: 'FakeQemu' } } });
    expect(await early.ask({ execute: 'stop', id: 1 })).toMatchObject({ error: { class: 'CommandNotFound' }, id: 1 });
    expect(await early.ask({ execute: 'qmp_capabilities', arguments: { enable: ['root'] }, id: 2 })).toHaveProperty(
      'error',
    );
    expect(await early.ask({ execute: 'qmp_capabilities', arguments: { enable: ['oob'] }, id: 3 })).toEqual({
      return: {},
      id: 3,
    });
    expect(await viewer.ask({ execute: 'qmp_capabilities', id: 4 })).toMatchObject({
      error: { class: 'CommandNotFound' },
      id: 4,
    });
    expect(fake.received.filter(({ execute }) => execute === 'qmp_capabilities')).toHaveLength(1);
    expect(passedOn(fake)).toEqual([]);
  });
});
