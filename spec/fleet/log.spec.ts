import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import { Log, LogQueue } from '../../src/fleet/agent/log.js';

/** A server in its place: hands over what is published, and answers as it is told. */
class Server {
  readonly published: { id: string; reply: string }[] = [];
  #answer: (message: Msg) => void = () => undefined;
  readonly nats = {
    options: {},
    subscribe: (_pattern: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
      this.#answer = (message) => {
        callback(null, message);
      };
      return { unsubscribe: () => undefined };
    },
    publish: (_subject: string, text: string, { headers, reply }: { headers: MsgHdrs; reply: string }) => {
      if (text.length > 1_000) throw new Error('max_payload size exceeded');
      this.published.push({ id: headers.get('Nats-Msg-Id'), reply });
    },
  } as unknown as NatsConnection;

  answer(text: string): void {
    const subject = this.published.at(-1)?.reply ?? '';
    this.#answer({ subject, data: Buffer.from(text), string: () => text } as unknown as Msg);
  }
}

describe('the log of an agent', () => {
  let server: Server;
  let warnings: string[];
  let log: Log;

  beforeEach(() => {
    jest.useFakeTimers();
    server = new Server();
    warnings = [];
    const logger = { debug: () => undefined, warn: (text: string) => warnings.push(text) };
    log = new Log(server.nats, { bufferEvents: 10, bufferBytes: 10_000 }, logger);
  });

  afterEach(() => {
    log.end();
    jest.useRealTimers();
  });

  const add = (queue: LogQueue, id: string, text = '{}'): void => {
    log.add(queue, { subject: 'qmp1.log.h1.vm1.STOP', id, text });
  };

  it('says at once that the server has no room, keeps what it has, and goes on (F8)', () => {
    const queue = new LogQueue();
    for (const id of ['1', '2', '3']) add(queue, id);
    server.answer('{"error":{"code":503,"err_code":10077,"description":"no space left on device"}}');
    expect(warnings).toEqual(['3 events wait for the log, and the server stores none: no space left on device']);
    expect(log.stats).toMatchObject({ waiting: 3, dropped: 0, stored: 0 });
    jest.advanceTimersByTime(400);
    for (const seq of [1, 2, 3]) server.answer(`{"stream":"QMP","seq":${seq}}`);
    expect(server.published.map(({ id }) => id)).toEqual(['1', '1', '2', '3']);
    expect(log.stats).toMatchObject({ waiting: 0, dropped: 0, stored: 3 });
  });

  it('takes no refusal for stored, also where it has a sequence (F8)', () => {
    add(new LogQueue(), '1');
    server.answer(
      '{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"QMP","seq":0}',
    );
    expect(warnings).toEqual(['1 events wait for the log, and the server stores none: maximum bytes exceeded']);
    expect(log.stats).toMatchObject({ waiting: 1, dropped: 0, stored: 0 });
  });

  it('says after ten seconds that nobody answers (F8)', () => {
    add(new LogQueue(), '1');
    jest.advanceTimersByTime(9_900);
    expect(warnings).toEqual([]);
    jest.advanceTimersByTime(300);
    expect(warnings).toEqual(['1 events wait for the log, and the server stores none: no answer']);
  });

  it.each(['here', 'at the server'])(
    'gives up an event that is refused for good %s, and stores what follows (F8)',
    (where) => {
      const queue = new LogQueue();
      add(queue, '1', where === 'here' ? 'x'.repeat(2_000) : '{}');
      add(queue, '2');
      if (where !== 'here') {
        server.answer('{"error":{"err_code":10054,"description":"message size exceeds maximum allowed"}}');
      }
      server.answer('{"stream":"QMP","seq":1}');
      expect(server.published.at(-1)?.id).toBe('2');
      expect(log.stats).toMatchObject({ waiting: 0, dropped: 1, stored: 1 });
      expect(warnings[0]).toMatch(/^an event of \d+ characters is missing in the log: m/);
    },
  );
});
