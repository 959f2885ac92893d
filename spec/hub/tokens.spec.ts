import { FakeQemu } from 'rx-qmp/testing';
import type { HubToken } from 'rx-qmp/node';
import { closeAll, closeLater, startHub, until, type HubUnderTest } from './hub-under-test.js';
import { get, OPERATOR, RawClient, refusal, VIEWER } from './raw-client.js';

afterEach(closeAll);

const ANN = 'ann-0123456789abcdef';
const ann: HubToken = { role: 'operator', token: ANN, name: 'ann', vms: ['web*', 'db1'], allow: ['cont'] };
const viewer: HubToken = { role: 'viewer', token: VIEWER };

async function start(): Promise<HubUnderTest> {
  const test = await startHub({ tokens: [ann, viewer], allow: ['stop'] });
  for (const name of ['web1', 'db1', 'db2']) test.hub.add(name, new FakeQemu().connector);
  await until(() => test.hub.vms.every(({ state }) => state === 'ready'));
  return test;
}

describe('tokens (H9)', () => {
  it('show the VMs that they name: the others do not exist (H9)', async () => {
    const { hub, fake } = await start();
    const headers = { Authorization: `Bearer ${ANN}` };
    const list = JSON.parse((await get(`${hub.url}/vms`, headers)).body) as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual(['web1', 'db1']);
    for (const name of ['vm1', 'db2', 'web', 'xweb1', 'db11']) {
      expect(await refusal(`${hub.url}/vms/${name}`, { token: ANN })).toBe(404);
      for (const part of ['events', 'audit', 'screen']) {
        expect((await get(`${hub.url}/vms/${name}/${part}`, headers)).status).toBe(404);
      }
    }
    expect(await refusal(`${hub.url}/vms/web1`, { token: ANN })).toBe(101);
    expect((await get(`${hub.url}/metrics`, headers)).status).toBe(403);

    const watcher = closeLater(await RawClient.open(`${hub.url}/events?last=100`, { token: ANN }));
    expect(await watcher.next()).toMatchObject({ vms: [{ name: 'web1' }, { name: 'db1' }] });
    fake.emit('STOP');
    hub.add('other', new FakeQemu().connector);
    const web2 = new FakeQemu();
    hub.add('web2', web2.connector);
    expect(await watcher.next()).toMatchObject({ added: [{ name: 'web2' }] });
    await hub.remove('other');
    await hub.remove('web2');
    let frame = await watcher.next();
    while (!('removed' in frame)) frame = await watcher.next();
    expect(frame['removed']).toEqual(['web2']);
  });

  it('allow what they name, in place of what the hub allows (H9)', async () => {
    const { hub } = await start();
    const url = `${hub.url}/vms/web1`;
    const client = closeLater(await RawClient.negotiated(url, { token: ANN }));
    expect(await client.ask({ execute: 'cont', id: 1 })).toEqual({ return: {}, id: 1 });
    expect(await client.ask({ execute: 'stop', id: 2 })).toMatchObject({ error: {}, id: 2 });
  });

  it('that are gone, or are worth something else, lose their connections; the others stay (H9)', async () => {
    const { hub } = await start();
    const url = `${hub.url}/vms/web1`;
    const [one, other] = [
      closeLater(await RawClient.negotiated(url, { token: ANN })),
      closeLater(await RawClient.negotiated(url, { token: VIEWER })),
    ];
    const watcher = closeLater(await RawClient.open(`${hub.url}/events`, { token: ANN }));
    hub.setTokens([
      { ...viewer, name: 'viewer-2' },
      { role: 'operator', token: OPERATOR },
    ]);
    const end = { code: 1008, reason: 'the token is not valid any more' };
    expect([await one.closed, await watcher.closed]).toEqual([end, end]);
    expect(await other.ask({ execute: 'query-status', id: 1 })).toMatchObject({ id: 1 });
    expect(await refusal(url, { token: ANN })).toBe(401);
    expect(await refusal(url, { token: OPERATOR })).toBe(101);
    hub.setTokens([{ ...viewer, name: 'viewer-2', vms: ['db*'] }]);
    expect(await other.closed).toEqual(end);
  });

  it('stay as they are if the new ones are not valid (H9)', async () => {
    const { hub } = await start();
    for (const tokens of [[], [viewer, viewer], [{ ...viewer, token: 'short' }], [{ ...viewer, name: 'a b' }]]) {
      expect(() => {
        hub.setTokens(tokens);
      }).toThrow(TypeError);
    }
    expect(await refusal(`${hub.url}/vms/web1`, { token: ANN })).toBe(101);
  });

  it('have 200 connections each, and leave ten places to operators (H10)', async () => {
    const { hub } = await startHub({ limits: { clients: 40, clientsPerToken: 15 } });
    const watch = async (token: string): Promise<RawClient> =>
      closeLater(await RawClient.open(`${hub.url}/events`, { token }));
    for (let count = 0; count < 15; count += 1) await watch(VIEWER);
    await expect(watch(VIEWER)).rejects.toThrow('503');
    await watch(OPERATOR);
    const crowded = await startHub({ limits: { clients: 20 } });
    const enter = async (token: string): Promise<RawClient> =>
      closeLater(await RawClient.open(`${crowded.hub.url}/events`, { token }));
    for (let count = 0; count < 10; count += 1) await enter(VIEWER);
    await expect(enter(VIEWER)).rejects.toThrow('503');
    for (let count = 0; count < 10; count += 1) await enter(OPERATOR);
    await expect(enter(OPERATOR)).rejects.toThrow('503');
  });
});
