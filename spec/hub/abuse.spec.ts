import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { NEVER } from 'rxjs';
import type { HubOptions } from 'rx-qmp/node';
import { closeAll, closeLater, happened, passedOn, startHub, until, type HubUnderTest } from './hub-under-test.js';
import { get, OPERATOR, RawClient, raw, VIEWER } from './raw-client.js';

afterEach(closeAll);

/** A hub, one who abuses it, and one who does not. */
async function start(options: HubOptions = {}): Promise<HubUnderTest & { abuser: RawClient; other: RawClient }> {
  const test = await startHub(options);
  const abuser = await test.client({ token: VIEWER });
  const other = await test.client();
  return { ...test, abuser, other };
}

/** Nobody but the abuser has noticed anything. */
async function expectUnharmed({ other, fake, hub }: HubUnderTest & { other: RawClient }): Promise<void> {
  expect(await other.ask({ execute: 'query-status', id: 'still there' })).toMatchObject({ id: 'still there' });
  fake.emit('STOP');
  expect(await other.next()).toMatchObject({ event: 'STOP' });
  expect(hub.vms).toMatchObject([{ name: 'vm1', state: 'ready' }]);
}

describe('abuse of the hub (H4)', () => {
  it('a frame of 10 MB costs the connection (H4)', async () => {
    const test = await start();
    test.abuser.send(`{"execute":"query-status","arguments":{"x":"${'x'.repeat(10_000_000)}"}}`);
    expect(await test.abuser.closed).toMatchObject({ code: 1009 });
    await test.logged(/cut off: too-large/);
    await expectUnharmed(test);
    expect(passedOn(test.fake)).toEqual([]);
  });

  it('a command of 10 MB in many frames costs the connection (H4)', async () => {
    const test = await start();
    test.abuser.send('{"execute":"query-status","arguments":{"x":"');
    for (let frame = 0; frame < 100; frame += 1) test.abuser.send('x'.repeat(100_000));
    expect(await test.abuser.closed).toMatchObject({
      code: 1009,
      reason: 'too-large: a command of more than 1048576 bytes',
    });
    await expectUnharmed(test);
  });

  it('one message of endless fragments costs the connection (H4)', async () => {
    const test = await start();
    const sending = setInterval(() => {
      test.abuser.socket.send('x'.repeat(100_000), { fin: false });
    });
    expect(await test.abuser.closed).toMatchObject({ code: 1009 });
    clearInterval(sending);
    await expectUnharmed(test);
  });

  it.each([
    'hello',
    '[]',
    '{',
    '{"execute":"query-status"',
    '}',
    '{"execute":query-status}',
    '{"execute":"query-status"}}',
    '{"execute":"query-\nstatus"}',
    "{'execute':'query-status'}",
    '"query-status"',
    '{"a":1}x',
    '\u0000',
    '\uFEFF{}',
    '['.repeat(100_000),
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ])('bad JSON costs the connection, and is answered without an id: %.40j (H4)', async (text) => {
    const test = await start();
    test.abuser.send(`${text}\n`);
    test.abuser.send('\n}"}\n');
    const answers = [await test.abuser.next()];
    expect(await test.abuser.closed).toMatchObject({ code: 1007 });
    while (test.abuser.size > 0) answers.push(await test.abuser.next());
    expect(answers.at(-1)).toEqual({
      error: { class: 'GenericError', desc: expect.stringContaining('JSON parse error') as string },
    });
    await expectUnharmed(test);
  });

  it('text that is no UTF-8 costs the connection (H4)', async () => {
    const test = await start();
    test.abuser.socket.send(Buffer.from([0x7b, 0xff, 0xfe]), { binary: false });
    expect(await test.abuser.closed).toMatchObject({ code: 1007 });
    await expectUnharmed(test);
  });

  it('commands nested too deep, or with half a character, are refused with their id (H4)', async () => {
    const test = await start();
    const deep = `${'['.repeat(2_000)}${']'.repeat(2_000)}`;
    const answer = { error: { class: 'GenericError' }, id: 1 };
    expect(await test.abuser.ask(`{"execute":"query-status","arguments":{"a":${deep}},"id":1}`)).toMatchObject(answer);
    expect(
      await test.abuser.ask(String.raw`{"execute":"query-status","arguments":{"a":"\ud800"},"id":1}`),
    ).toMatchObject(answer);
    const noId = await test.abuser.ask(String.raw`{"execute":"query-status","id":"\ud800"}`);
    expect(noId).toEqual({ error: expect.anything() as object });
    await expectUnharmed(test);
    expect(passedOn(test.fake)).toEqual([]);
  });

  it('a flood of commands costs the connection, and what waited of it is not sent (H4)', async () => {
    const test = await startHub({ limits: { commands: 100 } });
    test.fake.on('query-block', NEVER);
    const abuser = await test.client();
    for (let id = 0; id < 10_000; id += 1) abuser.send({ execute: 'query-block', id });
    expect(await abuser.closed).toMatchObject({ code: 1008, reason: 'flood: 101 commands without an answer' });
    expect(test.wire).toHaveLength(8);
    await test.logged(/cut off: flood/);
  });

  it('a flood of bytes costs the connection, however few the commands (H4)', async () => {
    const test = await startHub();
    const unlisted = 'query-vendor' as string;
    test.fake.on(unlisted, NEVER);
    const abuser = await test.client();
    for (let id = 0; id < 50; id += 1) abuser.send({ execute: unlisted, arguments: { x: 'x'.repeat(500_000) }, id });
    expect(await abuser.closed).toMatchObject({ code: 1008 });
  });

  it('one who sends and never reads the answers is cut off (H4)', async () => {
    const test = await startHub({ limits: { unreadBytes: 10_000, commands: 1_000_000, pingInterval: 100 } });
    const abuser = await test.client();
    abuser.socket.pause();
    const gone = happened(test.logged(/cut off: (slow|half-open)/));
    while (!gone()) {
      if (abuser.socket.bufferedAmount < 1_000_000) abuser.send({ execute: 'no', id: 'x'.repeat(10_000) });
      await new Promise(setImmediate);
    }
    await (await test.client()).close();
  });

  it('a half-open connection is found by pings and cut off; a quiet one lives (H4)', async () => {
    const test = await startHub({ limits: { pingInterval: 50 } });
    const dead = await test.client({ token: VIEWER, autoPong: false });
    const quiet = await test.client();
    let pings = 0;
    quiet.socket.on('ping', () => (pings += 1));
    expect(await dead.closed).toMatchObject({ code: 1006 });
    await test.logged(/cut off: half-open/);
    await until(() => pings >= 4);
    expect(await quiet.ask({ execute: 'query-status', id: 1 })).toMatchObject({ id: 1 });
  });

  it('1,000 connections that say nothing harm nobody who is in (H4)', async () => {
    const test = await start({ limits: { clients: 20 } });
    const sockets: Socket[] = [];
    let refused = 0;
    while (sockets.length < 1_000) {
      const socket = connect(test.hub.port, '127.0.0.1');
      socket.on('error', () => undefined).on('close', () => (refused += 1));
      sockets.push(socket);
      await once(socket, 'connect');
    }
    await until(() => refused >= 1_000 - 120);
    await expectUnharmed(test);
    for (const socket of sockets) socket.destroy();
    await until(() => refused === 1_000);
    await (await test.client()).close();
  });

  it('/events takes no messages (H4)', async () => {
    const test = await start();
    const watcher = closeLater(await RawClient.open(`${test.hub.url}/events`, { token: OPERATOR }));
    watcher.send({ execute: 'quit' });
    expect(await watcher.closed).toMatchObject({ code: 1002, reason: 'protocol: /events takes no messages' });
    await expectUnharmed(test);
  });

  it.each([
    ['POST /vms', 405],
    ['DELETE /vms/vm1', 405],
    ['GET /', 404],
    ['GET /vms/', 404],
    ['GET /vms/../vms/vm1', 404],
    ['GET /vms/vm1', 426],
    ['GET /events', 426],
    ['GET /%2e%2e/etc/passwd', 404],
    ['GET //vms', 404],
  ])('%s is answered with %i', async (line, status) => {
    const test = await startHub();
    const head = `${line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${OPERATOR}\r\nConnection: close\r\n\r\n`;
    expect(await raw(test.hub.port, head)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it.each([
    'GET /vms/vm1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n',
    'GET /vms/vm1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
    'GET /vms/vm1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n',
    'GET\u0000/ HTTP/1.1\r\n',
  ])('a broken handshake is refused: %j', async (head) => {
    const test = await startHub();
    expect(await raw(test.hub.port, `${head}Authorization: Bearer ${OPERATOR}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get(`${test.hub.url}/healthz`)).status).toBe(200);
  });
});
