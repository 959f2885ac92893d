import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import { connect } from '@nats-io/transport-node';
import { headers } from '@nats-io/nats-core';
import { FakeQemu } from 'rx-qmp/testing';
import { createAgent } from 'rx-qmp/agent';
import { describeNats } from '../support/nats.js';
import { Cable } from './cable.js';
import { FleetUnderTest } from './fleet-under-test.js';

describeNats('a bound of the fleet', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;

  beforeEach(() => {
    fleet = new FleetUnderTest();
    qemu = new FakeQemu();
  });

  afterEach(() => fleet.end());

  it('is 1,000 commands of one caller without an answer, 10,000 of all, 16 MiB of arguments; then each is refused (F7)', async () => {
    await fleet.start();
    qemu.on('query-block', () => new Promise(() => undefined));
    const agent = await fleet.agent('h1', {
      vms: { vm1: qemu.connector },
      allow: ['human-monitor-command'],
      beat: 5_000,
    });
    const nats = await fleet.connect();
    await (await fleet.client()).client('h1/vm1').connect();
    const refused: string[] = [];
    nats.subscribe('_INBOX.>', {
      callback: (_error, message) => {
        if (message.subject.startsWith('_INBOX.t')) refused.push(message.subject);
      },
    });
    const send = async (inbox: string, count: number, payload = ''): Promise<number> => {
      const { epoch, session, beat } = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<
        Record<string, number>
      >();
      const header = headers();
      header.set('Qmp-To', `${epoch ?? 0}.${session ?? 0}.${beat ?? 0}`);
      const subject = payload === '' ? 'q.query-block' : 'x.human-monitor-command';
      refused.length = 0;
      for (let at = 0; at < count; at += 1) {
        nats.publish(`qmp1.cmd.h1.vm1.${subject}`, payload, { headers: header, reply: `_INBOX.t${inbox}.${at}` });
      }
      await nats.request('qmp1.cmd.h1.vm1.s.hello', ''); // answered after those that are refused
      return refused.length;
    };
    expect(await send('1', 1_003)).toBe(3);
    for (let caller = 2; caller <= 9; caller += 1) expect(await send(String(caller), 1_000)).toBe(0);
    const large = JSON.stringify({ 'command-line': 'x'.repeat(900_000) });
    expect(await send('large', 20, large)).toBe(2); // 18 of them are 16 MiB
    expect(await send('10', 1_000)).toBe(18);
    expect(agent.metrics()).toContain('rxqmp_agent_commands_unanswered 10000\n');
    expect(await send('new', 1)).toBe(1);
  });

  it('cuts off a reader that does not read; it sees a gap, and nobody else notices (F12)', async () => {
    await fleet.start(
      (port, folder) =>
        `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/js" }\nmax_pending: 4MB\nwrite_deadline: "1s"\n`,
    );
    await fleet.agent('h1', { vms: { vm1: qemu.connector }, limits: { bufferEvents: 10 }, beat: 5_000 });
    const polite = await fleet.client();
    let heard = 0;
    polite.events$().subscribe(() => (heard += 1));
    const gaps: unknown[] = [];
    polite.gaps$().subscribe((gap) => gaps.push(gap));
    const cable = await Cable.to(fleet.server.port);
    fleet.later(() => cable.close());
    const slow = await fleet.client(await fleet.connect({ servers: cable.url }));
    const gap = firstValueFrom(slow.gaps$().pipe(filter(({ cause }) => cause === 'the connection to NATS was lost')));
    await polite.client('h1/vm1').connect();
    cable.cut();
    // More than the sockets in between hold.
    const emitted = 3_000;
    for (let at = 0; at < emitted; at += 1) {
      qemu.emit('RTC_CHANGE', { offset: at, 'qom-path': 'x'.repeat(10_000) });
      while (heard < at - 20) await setImmediate();
    }
    while (heard < emitted) await setImmediate();
    cable.mend();
    expect(await gap).not.toHaveProperty('missed');
    expect(gaps).toEqual([]);
  });

  it('of the version: an older server is refused by what it says it is (F13)', async () => {
    const server = createServer((socket) => {
      socket.write(
        'INFO {"server_id":"x","version":"2.8.4","proto":1,"headers":true,"max_payload":1048576,"jetstream":true}\r\n',
      );
      socket
        .on('error', () => undefined)
        .on('data', (data) => {
          if (data.includes('PING')) socket.write('PONG\r\n');
        });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const servers = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const nats = await connect({ servers });
    try {
      await expect(createAgent({ nats, host: 'h1' })).rejects.toThrow(
        `the fleet needs a nats-server of 2.9.10 or later; ${servers} is 2.8.4`,
      );
    } finally {
      await nats.close();
      server.close();
    }
  });
});
