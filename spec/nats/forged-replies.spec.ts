import { headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import type { QmpClient } from 'rx-qmp';
import type { FleetClient } from 'rx-qmp/fleet';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest } from './fleet-under-test.js';

const GREETING = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' }, capabilities: [] } };
const EPOCH = 5;
const EVERY = 60_000;
const UNFIT = 'its agent sends a reply whose parts do not fit together';
const NO_REPLY = 'its agent answers with something that is no reply';

/** What is sent where the answer is wanted: the `Qmp-Part` header, if any, and the bytes. */
type Part = readonly [place: string | undefined, bytes: string | Uint8Array];

const MB = 'x'.repeat(1024 * 1024 - 1024);

describeNats('one who answers in the place of an agent', () => {
  let fleet: FleetUnderTest;
  let rude: NatsConnection;
  let reader: FleetClient;
  let client: QmpClient;
  /** The commands that have come, oldest first. */
  let asked: Msg[];
  let come: () => void;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
    rude = await fleet.connect();
    asked = [];
    come = () => undefined;
    rude.subscribe('qmp1.cmd.h1.vm1.>', {
      callback: (_error, message) => {
        if (message.subject.endsWith('.s.hello')) {
          const at = { epoch: EPOCH, session: 1, n: 0, k: {}, beat: 1, every: EVERY };
          message.respond(JSON.stringify({ protocol: 1, greeting: GREETING, ...at }));
          return;
        }
        asked.push(message);
        come();
      },
    });
    await rude.flush();
    reader = await fleet.client();
    client = reader.client('h1/vm1', { reconnect: false, executeTimeout: Infinity });
    await client.connect();
  });

  afterEach(() => fleet.end());

  /** The command and what has become of it once it was asked. */
  async function ask(
    name: 'query-status' | 'query-block' = 'query-status',
  ): Promise<{ to: string; answer: Promise<unknown> }> {
    const count = asked.length;
    const answer = client.execute(name) as Promise<unknown>;
    answer.catch(() => undefined);
    if (asked.length === count) await new Promise<void>((resolve) => (come = resolve));
    return { to: asked.at(-1)?.reply ?? '', answer };
  }

  function send(to: string, ...parts: readonly Part[]): void {
    for (const [place, bytes] of parts) {
      const header = place === undefined ? undefined : headers();
      header?.set('Qmp-Part', place ?? '');
      rude.publish(to, bytes, header && { headers: header });
    }
  }

  function beat(number: number): void {
    rude.publish(
      'qmp1.hb.h1',
      JSON.stringify({ epoch: EPOCH, beat: number, after: number - 1, every: EVERY, moved: {} }),
    );
  }

  const whole = '{"return":{"status":"running","running":true,"singlestep":false}}';
  const [first, second] = [whole.slice(0, 20), whole.slice(20)];

  it('in parts that fit together is heard as an agent is (F7)', async () => {
    const { to, answer } = await ask();
    send(to, ['1/3', first], ['2/3', ''], ['3/3', second]);
    await expect(answer).resolves.toMatchObject({ status: 'running' });
  });

  it.each<[string, string, readonly Part[]]>([
    [
      'in the wrong order',
      UNFIT,
      [
        ['2/2', second],
        ['1/2', first],
      ],
    ],
    [
      'twice',
      UNFIT,
      [
        ['1/2', first],
        ['1/2', first],
        ['2/2', second],
      ],
    ],
    [
      'with one left out',
      UNFIT,
      [
        ['1/3', first],
        ['3/3', second],
      ],
    ],
    [
      'of which the later know another count',
      UNFIT,
      [
        ['1/3', first],
        ['2/2', second],
      ],
    ],
    [
      'followed by a whole one',
      UNFIT,
      [
        ['1/2', first],
        [undefined, whole],
      ],
    ],
    ['of more than 100', UNFIT, [['1/101', first]]],
    ['beyond their count', UNFIT, [['1/0', first]]],
    ['with the number 0', UNFIT, [['0/0', whole]]],
    ['with a negative number', UNFIT, [['-1/2', first]]],
    ['with a negative count', UNFIT, [['1/-2', first]]],
    ['with a huge count', UNFIT, [['1/99999999999999999999', first]]],
    ['that are not numbered', UNFIT, [['NaN/NaN', whole]]],
    ['numbered as no agent does', UNFIT, [['1/1e3', whole]]],
    ['of more than 16 MiB together', UNFIT, Array.from({ length: 18 }, (_, at): Part => [`${at + 1}/20`, MB])],
    ['as JSON that was cut off', NO_REPLY, [[undefined, '{"return":{"status":"running"}']]],
    [
      'as parts whose JSON was cut off',
      NO_REPLY,
      [
        ['1/2', first],
        ['2/2', '}'],
      ],
    ],
    ['with nothing', NO_REPLY, [[undefined, '']]],
    ['with a blank after it', NO_REPLY, [[undefined, `${whole} `]]],
    ['with an empty object', NO_REPLY, [[undefined, '{}']]],
    ['with another object', NO_REPLY, [[undefined, '{"event":"STOP"}']]],
    ['with an id of its own', NO_REPLY, [[undefined, '{"return":{},"id":1}']]],
    ['with bytes that are no text', NO_REPLY, [[undefined, new Uint8Array([0xff, 0xfe, 0x7b, 0x7d])]]],
    ['with an error that says nothing', NO_REPLY, [[undefined, '{"error":{}}']]],
    [
      'with an error in parts that was cut off',
      NO_REPLY,
      [
        ['1/2', '{"error":{"class":"Gener'],
        ['2/2', 'icError"}}'],
      ],
    ],
    ['with two lines', NO_REPLY, [[undefined, '{"return":{}}\n{"event":"STOP"}']]],
  ])('%s is an error of the commands that wait, and the session ends (F7)', async (_how, why, parts) => {
    const { to, answer } = await ask();
    const other = (await ask('query-block')).answer;
    send(to, ...parts);
    for (const one of [answer, other]) {
      await expect(one).rejects.toMatchObject({
        name: 'ExecInterruptedError',
        cause: expect.objectContaining({ message: expect.stringContaining(`nats:h1/vm1: ${why}`) as string }) as Error,
      });
    }
  });

  it('without the last part is told by the next beat, which was sent after it (F7)', async () => {
    const { to, answer } = await ask();
    send(to, ['1/3', first], ['2/3', '']);
    beat(2);
    await expect(answer).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    expect(client.state).toMatchObject({ cause: { message: expect.stringContaining(UNFIT) as string } });
  });

  it('with a line end within is one line, and its text is what it was (F7)', async () => {
    const { to, answer } = await ask();
    send(to, [undefined, whole.replaceAll(',', ',\r\n')]);
    await expect(answer).resolves.toMatchObject({ status: 'running' });
    const bad = await ask();
    send(bad.to, ['1/2', '{"return":"a\ufffd'], ['2/2', new Uint8Array([0xff, 0x22, 0x7d])]);
    await expect(bad.answer).resolves.toBe('a\ufffd\ufffd');
  });

  it('with an error in parts is that error (F7)', async () => {
    const { to, answer } = await ask();
    send(to, ['1/2', '{"error":{"class":"GenericError",'], ['2/2', '"desc":"no"}}']);
    await expect(answer).rejects.toMatchObject({ name: 'ExecuteError', desc: 'no' });
  });

  it('when all is over, or nobody has asked, is not heard (F7)', async () => {
    const { to, answer } = await ask();
    const inbox = to.slice(0, to.lastIndexOf('.'));
    send(to, [undefined, whole], ['2/2', second], [undefined, whole], ['1/2', first]);
    await answer;
    for (const id of ['99', '0', 'x', '__proto__', '1.2']) send(`${inbox}.${id}`, ['1/2', first]);
    beat(2);
    const next = await ask();
    send(next.to, [undefined, whole]);
    await expect(next.answer).resolves.toMatchObject({ status: 'running' });
    expect(client.state.phase).toBe('ready');
  });

  it('with a part of another answer ends the session that it is put into, and no other (F7)', async () => {
    const others = reader.client('h1/vm1', { reconnect: false });
    await others.connect();
    const [one, other] = [await ask(), await ask('query-block')];
    send(one.to, ['1/2', first]);
    send(other.to, ['2/2', second]);
    await expect(one.answer).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    await expect(other.answer).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    expect(others.state.phase).toBe('ready');
  });
});
