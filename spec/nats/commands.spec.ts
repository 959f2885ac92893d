import { headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { FakeQemu } from 'rx-qmp/testing';
import { describeNats } from '../support/nats.js';
import { commandsOf, FleetUnderTest } from './fleet-under-test.js';

/** Sends a command as anybody may, and resolves with the text of the answer; `undefined` where a later one is answered first. */
async function ask(nats: NatsConnection, subject: string, payload: string, to?: string): Promise<string | undefined> {
  const header = headers();
  if (to !== undefined) header.set('Qmp-To', to);
  const inbox = `_INBOX.test${Math.random().toString(36).slice(2)}`;
  return new Promise((resolve) => {
    const answers: Msg[] = [];
    const subscription = nats.subscribe(`${inbox}.*`, {
      callback: (_error, message) => {
        answers.push(message);
        if (!message.subject.endsWith('.last')) return;
        subscription.unsubscribe();
        resolve(answers.find((answer) => answer.subject.endsWith('.first'))?.string());
      },
    });
    nats.publish(subject, payload, { headers: header, reply: `${inbox}.first` });
    // Answered in the same order.
    nats.publish('qmp1.cmd.h1.vm1.s.hello', '', { reply: `${inbox}.last` });
  });
}

describeNats('a command over NATS', () => {
  let fleet: FleetUnderTest;
  let qemu: FakeQemu;
  let nats: NatsConnection;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start('max_payload: 65536\n');
    qemu = new FakeQemu();
    await fleet.agent('h1', {
      vms: { vm1: qemu.connector },
      allow: ['stop', 'cont', 'human-monitor-command'],
      limits: { commandsPerCaller: 10 },
    });
    nats = await fleet.connect();
    await (await fleet.client(nats)).client('h1/vm1').connect();
  });

  afterEach(() => fleet.end());

  const here = async (): Promise<{ epoch: number; session: number; beat: number }> =>
    (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json();

  it('runs for the session and the time that it was sent for (F7)', async () => {
    let at = await here();
    while (at.beat < 4) at = await here();
    const { epoch, session, beat } = at;
    const stop = 'qmp1.cmd.h1.vm1.x.stop';
    expect(await ask(nats, stop, '')).toBeUndefined();
    expect(await ask(nats, stop, '', 'nonsense')).toBeUndefined();
    expect(await ask(nats, stop, '', `${epoch - 1}.${session}.${beat}`)).toBeUndefined();
    expect(await ask(nats, stop, '', `${epoch}.${session + 1}.${beat}`)).toContain(
      'a session that is over, and was not run',
    );
    expect(await ask(nats, stop, '', `${epoch}.${session}.${beat - 3}`)).toContain(
      'older than 1500 ms, and was not run',
    );
    expect(commandsOf(qemu)).not.toContain('stop');
    await ask(nats, stop, '', `${epoch}.${session}.${beat}`);
    expect(commandsOf(qemu)).toContain('stop');
  });

  it('is refused in the wrong class, and beyond what the agent allows (F1, F10)', async () => {
    const { epoch, session, beat } = await here();
    const to = `${epoch}.${session}.${beat}`;
    expect(await ask(nats, 'qmp1.cmd.h1.vm1.q.stop', '', to)).toContain('stop is not of the class');
    expect(await ask(nats, 'qmp1.cmd.h1.vm1.s.stop', '', to)).toContain('stop is not of the class');
    expect(await ask(nats, 'qmp1.cmd.h1.vm1.x.quit', '', to)).toContain('quit is not allowed by the agent of h1');
    expect(await ask(nats, 'qmp1.cmd.h1.vm1.o.query-yank', '', to)).toContain('query-yank out of band is not allowed');
    expect(await ask(nats, 'qmp1.cmd.h1.vm2.x.stop', '', to)).toContain('session that is over');
    const names = commandsOf(qemu);
    for (const name of ['stop', 'quit', 'query-yank']) expect(names).not.toContain(name);
  });

  it.each(['{', '[]', 'null', '7', '"x"', '\u0000'])(
    'with %j for arguments is refused, without repeating them (F14)',
    async (text) => {
      const { epoch, session, beat } = await here();
      const answer = await ask(nats, 'qmp1.cmd.h1.vm1.x.stop', text, `${epoch}.${session}.${beat}`);
      expect(answer).toMatch(
        /^\{"error":\{"class":"GenericError","desc":"the arguments (are not valid JSON|must be a JSON object)"\}\}$/,
      );
    },
  );

  it('passes integers and any reply through exactly, in parts where it is large (F7)', async () => {
    qemu.on('query-block', () => 'x'.repeat(300_000) as never);
    qemu.on('human-monitor-command', () => 'é'.repeat(100_000));
    const client = (await fleet.client()).client('h1/vm1', { integers: 'exact' });
    await client.connect();
    const [block, text] = await Promise.all([
      client.execute('query-block'),
      client.execute('human-monitor-command', { 'command-line': 'info' }),
    ]);
    expect(block).toHaveLength(300_000);
    expect(text).toHaveLength(100_000);
  });

  it('whose reply is beyond 16 MiB, or 100 parts, is answered with an error that says so (F7)', async () => {
    qemu.on('query-block', () => 'x'.repeat(7_000_000) as never);
    const client = (await fleet.client()).client('h1/vm1');
    await client.connect();
    await expect(client.execute('query-block')).rejects.toThrow(
      /it was run, but its reply of 7000\d+ bytes is beyond 6502400/,
    );
    await expect(client.execute('query-status')).resolves.toMatchObject({ status: 'running' });
  });

  it('larger than the server takes is an error of that command alone (F7)', async () => {
    const client = (await fleet.client()).client('h1/vm1');
    await client.connect();
    const long = { 'command-line': 'x'.repeat(100_000) };
    await expect(client.execute('human-monitor-command', long)).rejects.toThrow('NATS does not take it');
    await expect(client.execute('query-status')).resolves.toMatchObject({ status: 'running' });
  });

  it('is refused where too many of one caller are unanswered, and nobody else notices (F7)', async () => {
    qemu.on('query-block', () => new Promise(() => undefined));
    const rude = (await fleet.client(nats)).client('h1/vm1', { maxInFlight: 1000 });
    const polite = (await fleet.client()).client('h1/vm1');
    await Promise.all([rude.connect(), polite.connect()]);
    const { epoch, session, beat } = await here();
    const flood = Array.from({ length: 12 }, (_, at) => {
      const header = headers();
      header.set('Qmp-To', `${epoch}.${session}.${beat}`);
      nats.publish('qmp1.cmd.h1.vm1.q.query-block', '', { headers: header, reply: `_INBOX.flood.${at}` });
    });
    expect(flood).toHaveLength(12);
    const refused = new Promise<string>((resolve) => {
      nats.subscribe('_INBOX.flood.*', {
        callback: (_error, message) => {
          resolve(message.string());
        },
      });
    });
    nats.publish('qmp1.cmd.h1.vm1.q.query-block', '', {
      headers: (() => {
        const h = headers();
        h.set('Qmp-To', `${epoch}.${session}.${beat}`);
        return h;
      })(),
      reply: '_INBOX.flood.last',
    });
    expect(await refused).toContain('too many commands are unanswered already');
  });

  it('that NATS does not let the user send is an error at once (F7)', async () => {
    const user = await new FleetUnderTest().start(
      (port, folder) => `
      listen: "127.0.0.1:${port}"
      jetstream { store_dir: "${folder}/js" }
      authorization { users: [
        { user: agent, password: agent }
        { user: ann, password: ann, permissions: {
          publish: ["qmp1.cmd.*.*.s.hello", "qmp1.cmd.*.*.q.*"], subscribe: ["qmp1.evt.>", "qmp1.hb.*", "_INBOX_ann.>"] } }
      ] }`,
    );
    fleet.later(() => user.end());
    const own = await user.connect({ user: 'agent', pass: 'agent' });
    await user.agent('h1', { nats: own, vms: { vm1: qemu.connector, vm2: new FakeQemu().connector }, allow: ['stop'] });
    const ann = await user.connect({ user: 'ann', pass: 'ann', inboxPrefix: '_INBOX_ann' });
    const client = (await user.client(ann)).client('h1/vm2');
    await client.connect();
    await expect(client.execute('stop')).rejects.toMatchObject({
      name: 'ExecuteError',
      desc: 'NATS does not let this user publish to qmp1.cmd.h1.vm2.x.stop; rx-qmp nats-config prints all rights',
    });
    await expect(client.execute('query-status')).resolves.toMatchObject({ status: 'running' });
  });

  it('reaches nobody where no agent is, which is told at once (F3)', async () => {
    const client = (await fleet.client()).client('h9/vm1', { reconnect: false });
    await expect(client.connect()).rejects.toThrow('no agent serves h9');
    const other = (await fleet.client()).client('h1/vm9', { reconnect: false });
    await expect(other.connect()).rejects.toThrow('h1 has no VM "vm9"');
  });
});
