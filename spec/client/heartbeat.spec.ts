import { QmpClient, type Traffic } from 'rx-qmp';
import { FakeQemu, record } from 'rx-qmp/testing';
import { collect, connected, Wire } from '../support/wire.js';

const HEARTBEAT = 1_000;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('a client with a heartbeat', () => {
  it('asks query-version after a silence, and ends the session as a loss after a second one (C10)', async () => {
    const { client, line } = await connected({ heartbeat: HEARTBEAT });
    const traffic: Traffic[] = collect(client.traffic$);
    jest.advanceTimersByTime(HEARTBEAT - 1);
    expect(line.sent).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(line.sent.at(-1)).toMatchObject({ execute: 'query-version' });
    expect(traffic).toMatchObject([{ direction: 'sent', heartbeat: true }]);
    expect(client.stats.pending).toBe(1);
    jest.advanceTimersByTime(HEARTBEAT - 1);
    expect(client.state.phase).toBe('ready');
    jest.advanceTimersByTime(1);
    expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    expect(client.state).toHaveProperty('cause.message', expect.stringContaining('nothing came for 1000 ms'));
    await client.close();
  });

  it('counts any byte as a sign of life, a blank line, too (C10)', async () => {
    const { client, line } = await connected({ heartbeat: HEARTBEAT });
    for (let turn = 0; turn < 10; turn += 1) {
      jest.advanceTimersByTime(HEARTBEAT - 1);
      line.receive('\r\n');
    }
    expect(line.sent).toHaveLength(1);
    jest.advanceTimersByTime(HEARTBEAT);
    expect(line.sent).toHaveLength(2);
    line.refuse('not now');
    jest.advanceTimersByTime(HEARTBEAT - 1);
    expect([line.sent.length, client.state.phase]).toEqual([2, 'ready']);
    await client.close();
  });

  it('takes a command in flight for the question (C10)', async () => {
    const { client, line } = await connected({ heartbeat: HEARTBEAT });
    const asked = client.execute('query-block');
    jest.advanceTimersByTime(2 * HEARTBEAT - 1);
    expect([line.sent.length, client.state.phase]).toEqual([2, 'ready']);
    jest.advanceTimersByTime(1);
    await expect(asked).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    await client.close();
  });

  it('has the interval of its connector, unless it has one of its own; none by default (C10)', async () => {
    const wire = new Wire();
    const connector = Object.assign(wire.connector, { heartbeat: HEARTBEAT });
    for (const [number, options] of [{}, { heartbeat: Infinity }].entries()) {
      const client = new QmpClient(connector, options);
      const greeted = client.connect();
      const line = await wire.line(number + 1);
      line.handshake();
      await greeted;
      jest.advanceTimersByTime(2 * HEARTBEAT);
      expect(client.state.phase).toBe(number === 0 ? 'closed' : 'ready');
      await client.close();
    }
    const { client } = await connected();
    jest.advanceTimersByTime(1_000_000);
    expect(client.state.phase).toBe('ready');
    await client.close();
    expect(() => new QmpClient(connector, { heartbeat: 0 })).toThrow(RangeError);
  });

  it('is left out of transcripts (C10)', async () => {
    const client = new QmpClient(new FakeQemu().connector, { heartbeat: HEARTBEAT });
    await client.connect();
    const lines = collect(record(client));
    jest.advanceTimersByTime(3 * HEARTBEAT);
    await client.execute('query-name');
    expect(lines.map((line) => (JSON.parse(line) as { dir: string }).dir)).toEqual(['in', 'out', 'in']);
    expect(lines.join()).not.toContain('query-version');
    expect(client.stats.replies).toBeGreaterThan(3);
    await client.close();
  });
});
