import { once } from 'node:events';
import { NEVER, Subject, take } from 'rxjs';
import { closeAll, happened, passedOn, startHub, until } from './hub-under-test.js';
import { get, RawClient, VIEWER } from './raw-client.js';

afterEach(closeAll);

const UNLISTED = 'VENDOR' as string;

describe('sharing a VM (H3)', () => {
  it('gives each client its own replies, with its own ids, and all of them the events (H3)', async () => {
    const { client, fake } = await startHub();
    const [one, other] = [await client(), await client()];
    fake.on('query-name', () => ({ name: 'vm1' }));
    one.send({ execute: 'query-name', id: { any: ['thing', 9007199254740993n.toString()] } });
    other.send({ execute: 'query-status', id: null });
    expect(await one.next()).toEqual({ return: { name: 'vm1' }, id: { any: ['thing', '9007199254740993'] } });
    expect(await other.next()).toMatchObject({ return: { status: 'running' }, id: null });
    fake.emit('STOP');
    expect(await one.next()).toMatchObject({ event: 'STOP', timestamp: { seconds: 1_700_000_000 } });
    expect(await other.next()).toMatchObject({ event: 'STOP' });
    expect([one.size, other.size]).toEqual([0, 0]);
  });

  it('passes integers of any size on exactly, in both directions (C6)', async () => {
    const { client, fake, wire } = await startHub();
    const one = await client();
    await one.ask('{"execute":"query-status","arguments":{"n":-9007199254740993,"m":[1e3]},"id":1}');
    expect(wire.at(-1)).toContain('{"n":-9007199254740993,"m":[1000]}');
    const line = once(one.socket, 'message');
    fake.send('{"event":"BIG","timestamp":{"seconds":1,"microseconds":2},"data":{"size":18446744073709551615}}\r\n');
    expect(String((await line)[0])).toContain('"data":{"size":18446744073709551615}}');
  });

  it('passes a result on as the text that QEMU wrote, with the id of whoever asked (H6)', async () => {
    const { client, fake, wire } = await startHub();
    fake.on('query-block', NEVER);
    const one = await client();
    one.send('{"execute":"query-block","id":{"n":9007199254740993}}');
    await until(() => wire.length > 0);
    const { id } = JSON.parse(wire[0] ?? '') as { id: number };
    const text = '[{"size":  18446744073709551615, "rate": 1.0, "é": "\\u00e9"}]';
    const frame = once(one.socket, 'message');
    fake.send(`{"return": ${text}, "id": ${id}}\r\n`);
    expect(String((await frame)[0])).toBe(`{"return":${text},"id":{"n":9007199254740993}}\r\n`);
  });

  it('passes on what QEMU refuses, in its own words', async () => {
    const { client, fake } = await startHub({ allow: ['device_del'] });
    const one = await client();
    fake.on('device_del', () => Object.assign(new Error("Device 'x' not found"), { errorClass: 'DeviceNotFound' }));
    expect(await one.ask({ execute: 'device_del', arguments: { id: 'x' }, id: 1 })).toMatchObject({
      error: { desc: "Device 'x' not found" },
      id: 1,
    });
  });

  it('lets nobody see the late reply of one who has left (H3)', async () => {
    const { client, fake, logged } = await startHub();
    const answer = new Subject<never[]>();
    fake.on('query-block', () => answer.pipe(take(1)));
    const [leaver, other] = [await client(), await client()];
    leaver.send({ execute: 'query-block', id: 7 });
    leaver.send({ execute: 'query-pci', id: 8 });
    // What is answered before it has left has been taken.
    await leaver.ask({ execute: 'quit', id: 9 });
    await leaver.close();
    await logged(/vms\/vm1: closed with 1006/);
    other.send({ execute: 'query-status', id: 7 });
    answer.next([]);
    expect(await other.next()).toMatchObject({ return: { status: 'running' }, id: 7 });
    expect(other.size).toBe(0);
  });

  it('shares the eight commands on the wire in turn (H3)', async () => {
    const { client, fake, wire } = await startHub();
    const answers = new Subject<never[]>();
    for (const command of ['query-block', 'query-pci', 'query-chardev'] as const) {
      fake.on(command, () => answers.pipe(take(1)));
    }
    const [greedy, second, third] = [await client(), await client(), await client()];
    for (let id = 0; id < 20; id += 1) greedy.send({ execute: 'query-block', id });
    // What is refused is answered at once: what came before it has been taken by then.
    await greedy.ask({ execute: 'no' });
    for (let id = 0; id < 3; id += 1) second.send({ execute: 'query-pci', id });
    await second.ask({ execute: 'no' });
    third.send({ execute: 'query-chardev', id: 0 });
    await third.ask({ execute: 'no' });
    const sent = (): unknown[] => wire.map((text) => (JSON.parse(text) as { execute: string }).execute);
    expect(sent()).toEqual(Array(8).fill('query-block'));

    for (let answered = 1; answered <= 24; answered += 1) {
      answers.next([]);
      await until(() => greedy.size + second.size + third.size === answered);
    }
    expect(sent().slice(8, 15)).toEqual([
      'query-block',
      'query-pci',
      'query-chardev',
      'query-block',
      'query-pci',
      'query-block',
      'query-pci',
    ]);
    expect([greedy.size, second.size, third.size]).toEqual([20, 3, 1]);
    for (let id = 0; id < 20; id += 1) expect(await greedy.next()).toEqual({ return: [], id });
  });

  it('tells a reader that stops reading, and cuts it off; the others miss nothing (H3)', async () => {
    const { client, fake, logged, hub } = await startHub({ limits: { unreadBytes: 64 * 1024 } });
    const [slow, quick] = [await client({ token: VIEWER }), await client()];
    slow.socket.pause();
    const cut = happened(logged(/cut off: slow: \d+ bytes are unread/));
    const data = { text: 'x'.repeat(60_000) };
    let sent = 0;
    while (!cut()) {
      sent += 1;
      fake.emit(UNLISTED, { ...data, sent });
      expect(await quick.next()).toMatchObject({ event: UNLISTED, data: { sent } });
    }
    expect(await quick.ask({ execute: 'query-status', id: 1 })).toMatchObject({ id: 1, return: { running: true } });
    slow.socket.resume();
    expect(await slow.closed).toMatchObject({ code: 1013, reason: expect.stringMatching(/^slow: /) as string });
    expect(slow.size).toBeGreaterThan(0);
    expect(slow.size).toBeLessThan(sent);
    const headers = { Authorization: `Bearer ${VIEWER}` };
    expect((await get(`${hub.url}/metrics`, headers)).body).toContain('rxqmp_hub_cut_off_total{cause="slow"} 1\n');
  });

  it('cuts a reader off that never reads again, with no end of waiting (H3)', async () => {
    const { client, fake, logged } = await startHub({ limits: { unreadBytes: 1024, pingInterval: 50 } });
    const [deaf, quick] = [await client(), await client()];
    deaf.socket.pause();
    const cut = happened(logged(/cut off: (slow|half-open)/));
    const data = { text: 'x'.repeat(60_000) };
    while (!cut()) {
      fake.emit(UNLISTED, data);
      await quick.next();
    }
    await logged(/closed with 1006/);
  });

  it('serves 1,000 clients at once, and refuses one more (H3)', async () => {
    const { client, fake, url, hub } = await startHub({ limits: { clients: 1_010, clientsPerToken: 1_000 } });
    const clients: RawClient[] = [];
    while (clients.length < 1_000) {
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => client({ token: VIEWER })))));
    }
    await expect(RawClient.open(url, { token: VIEWER })).rejects.toThrow('503');
    fake.emit('STOP');
    const events = await Promise.all(clients.map((one) => one.next()));
    expect(events.every((event) => event['event'] === 'STOP')).toBe(true);
    const last = clients.pop() as RawClient;
    expect(await last.ask({ execute: 'query-status', id: 1 })).toMatchObject({ id: 1 });
    expect(hub.vms).toMatchObject([{ name: 'vm1', state: 'ready' }]);
    expect(passedOn(fake)).toEqual([]);
  });

  it('does not wait for a VM that hangs when one leaves or the hub closes', async () => {
    const { client, fake, hub } = await startHub();
    fake.on('query-block', NEVER);
    const one = await client();
    for (let id = 0; id < 20; id += 1) one.send({ execute: 'query-block', id });
    await one.ask({ execute: 'no' });
    await hub.close();
    expect(await one.closed).toMatchObject({ code: 1001 });
  });
});
