import { connect } from 'rx-qmp/node';
import { QmpClient, type Diagnostic } from 'rx-qmp';
import { namesIn } from '../support/bus-events.js';
import { event, greeting, ScriptedServer } from '../support/scripted-server.js';
import { collect, connected, unlisted, Wire } from '../support/wire.js';

/** The diagnostics as they come, without their messages. */
function kinds(client: QmpClient): string[] {
  const seen: string[] = [];
  client.diagnostics$.subscribe(({ kind }: Diagnostic) => seen.push(kind));
  return seen;
}

describe('QmpClient', () => {
  describe('replies that fit nothing', () => {
    it.each<[string, object]>([
      ['an unknown number', { return: {}, id: 99 }],
      ['a list (row 50)', { return: {}, id: [2] }],
      ['an object', { return: {}, id: { id: 2 } }],
      ['null', { return: {}, id: null }],
      ['the number as text', { return: {}, id: '2' }],
      ['an error with an unknown id', { error: { class: 'GenericError', desc: 'x' }, id: 99 }],
    ])('are dropped with a diagnostic: id is %s (C5)', async (_name, reply) => {
      const { client, line } = await connected();
      const seen = kinds(client);
      const result = client.execute('query-name');
      line.receive(reply);
      expect(seen).toEqual(['unknown-id']);
      line.reply({ name: 'vm1' });
      expect(await result).toEqual({ name: 'vm1' });
      await client.close();
    });

    it('are dropped with a diagnostic: no id at all (C5)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      const result = client.execute('query-name');
      line.receive({ return: 'whose?' });
      expect(seen).toEqual(['error-without-id']);
      line.reply({});
      await result;
      await client.close();
    });

    it('are dropped with a diagnostic: no message of QMP (C5)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      line.receive({}, { id: 1 }, { QMP: {} }, greeting());
      expect(seen).toEqual(['unknown-message', 'unknown-message', 'unknown-message', 'unknown-message']);
      expect(client.state.phase).toBe('ready');
      await client.close();
    });
  });

  describe('an error without id', () => {
    const error = { error: { class: 'GenericError', desc: 'JSON parse error\u001b[2J' } };

    it('goes to the command in flight if there is exactly one (C5, fact 9)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      const result = client.execute('query-name');
      line.receive(error);
      await expect(result).rejects.toMatchObject({ name: 'ExecuteError', command: 'query-name' });
      expect(seen).toEqual([]);
      await client.close();
    });

    it.each([[0], [2]])('goes to diagnostics$ alone with %i in flight (C5)', async (count) => {
      const { client, line } = await connected();
      const diagnostics = collect(client.diagnostics$);
      const results = Array.from({ length: count }, () => client.execute('query-name'));
      line.receive(error);
      expect(diagnostics).toMatchObject([{ kind: 'error-without-id' }]);
      expect(diagnostics[0]?.message).toContain('JSON parse error\\u001b[2J');
      for (const command of line.sent.slice(1)) line.reply({}, command);
      await Promise.all(results);
      await client.close();
    });

    it('does not hit a second command when the first was aborted and may still be answered (C5)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      const controller = new AbortController();
      const first = client.execute('query-block', undefined, { signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(first).rejects.toThrow('enough');
      const second = client.execute('query-name');
      line.receive(error);
      expect(seen).toEqual(['error-without-id']);
      line.reply({}, line.sent[2]);
      await second;
      await client.close();
    });
  });

  describe('events out of the ordinary', () => {
    it('are delivered whole and as they came: an event named error, unknown events, unknown members (node-qemu, qemu-qmp, xs-opam#150, qapi-rs)', async () => {
      const { client, line } = await connected();
      line.emit('error', { message: 'no handler' });
      line.receive({ event: 'X_TOMORROW', timestamp: { seconds: 1, microseconds: 2 }, data: [1], more: null });
      expect(client.events.clear()).toEqual([
        { event: 'error', data: { message: 'no handler' }, timestamp: { seconds: 1, microseconds: 2 } },
        { event: 'X_TOMORROW', timestamp: { seconds: 1, microseconds: 2 }, data: [1], more: null },
      ]);
      await client.close();
    });

    it('are a diagnostic where the name is no string (row 39)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      line.receive({ event: 5 }, { event: null, return: {}, id: 1 }, { event: ['STOP'] });
      expect(seen).toEqual(['not-an-event', 'not-an-event', 'not-an-event']);
      expect(client.events.empty()).toBe(true);
      await client.close();
    });

    it('are a diagnostic where they are larger than 64 KiB, and nothing else happens (C5)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      line.emit('BIG', { text: 'x'.repeat(70_000) });
      line.emit('STOP');
      expect(seen).toEqual(['event-too-large']);
      expect(namesIn(client.events.clear())).toEqual(['STOP']);
      await client.close();
    });

    it('harm no one who reads a time that is not there', async () => {
      const { client, line } = await connected();
      line.receive({ event: 'BARE' });
      expect(client.events.clear()).toEqual([{ event: 'BARE' }]);
      await client.close();
    });
  });

  describe('names of members', () => {
    it('are never copied: __proto__, constructor and toString are mere data (C9, qemu-qmp)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const methods = (): unknown[] =>
        ['execute', 'connect', 'close'].map((name) => Reflect.get(client, name) as unknown);
      const before = methods();
      const seen = kinds(client);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(`${greeting().trim().slice(0, -1)},"execute":1,"connect":2,"__proto__":{"polluted":1}}\r\n`);
      line.reply();
      await greeted;
      const reading = client.listener('__proto__' as string).get();
      line.receive('{"event":"__proto__","data":{"__proto__":{"polluted":true},"constructor":1,"toString":2}}\r\n');
      line.receive('{"return":{},"id":"__proto__"}\r\n{"__proto__":{"event":"STOP"}}\r\n{"constructor":{}}\r\n');
      line.receive('{"event":"constructor"}\r\n{"event":"toString"}\r\n{"event":"hasOwnProperty"}\r\n');
      expect((await reading).event).toBe('__proto__');
      expect(namesIn(client.events.clear())).toEqual(['__proto__', 'constructor', 'toString', 'hasOwnProperty']);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect(methods()).toEqual(before);
      expect(seen).toEqual(['unknown-id', 'unknown-message', 'unknown-message']);
      const result = client.execute('query-name');
      line.receive('{"return":{"__proto__":{"polluted":true}},"id":2}\r\n');
      expect(Object.getPrototypeOf(await result)).toBe(Object.prototype);
      await client.close();
    });
  });

  describe('a null line', () => {
    it('is a diagnostic on a real socket too, and the client lives on (node-qemu)', async () => {
      const server = await ScriptedServer.unix(async (peer) => {
        await peer.handshake();
        await peer.send('null\r\nnull\r\n\r\n5\r\n');
        await peer.replyToAll({ status: 'running' });
      });
      const warn = jest.spyOn(console, 'warn').mockImplementation();
      const client = await connect(server.address);
      expect(await client.execute('query-status')).toEqual({ status: 'running' });
      expect(client.stats.faults).toBe(3);
      // Nobody watches diagnostics$ nor is there a logger: once on the console.
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0]?.[0]).toContain(server.address);
      warn.mockRestore();
      await client.close();
      await server.stop();
    });
  });

  describe('a server that', () => {
    it('sends 1,000 bad lines ends its own session: ProtocolError (C5)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      const pending = client.execute('query-name');
      line.receive('rubbish\r\n'.repeat(1_000), event('STOP'));
      await expect(pending).rejects.toMatchObject({ name: 'ExecInterruptedError', cause: { name: 'ProtocolError' } });
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'ProtocolError' } });
      expect([line.closed, seen.length, client.stats.faults]).toEqual([1, 101, 1_000]);
      expect(seen.at(-1)).toBe('suppressed');
      expect(client.events.empty()).toBe(true);
    });

    it('sends a message above maxMessageBytes ends its own session, whole or not (C5, row 50)', async () => {
      const { client, line } = await connected({ maxMessageBytes: 1_000 });
      line.receive(`{"return":"${'x'.repeat(1_000)}`);
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'ProtocolError' } });
      expect(client.state).toHaveProperty('cause.message', expect.stringContaining('maxMessageBytes'));
      expect(line.closed).toBe(1);
    });

    it('sends rubbish instead of a greeting fails connect() at once, with GreetingError (C5)', async () => {
      const server = await ScriptedServer.tcp(async (peer) => {
        await peer.send('220 smtp ready\r\n'.repeat(2_000));
        await peer.gone();
      });
      const logger = { debug: () => undefined, warn: () => undefined };
      await expect(connect(server.address, { logger })).rejects.toMatchObject({
        name: 'ConnectError',
        phase: 'negotiating',
        cause: { name: 'GreetingError', message: expect.stringContaining('220 smtp ready') as string },
      });
      await server.stop();
    });

    it('sends 10,000 messages in a row that mean nothing ends its own session: ProtocolError (C14)', async () => {
      const { client, line } = await connected();
      client.diagnostics$.subscribe();
      const nonsense = [{ x: 1 }, { event: 5 }, { return: 1, id: 'mine' }, { error: {} }, { QMP: 1 }];
      const round = nonsense.map((message) => `${JSON.stringify(message)}\r\n`).join('');
      line.receive(round.repeat(1_999), event('STOP'), round.repeat(1_999));
      expect(client.state.phase).toBe('ready');
      line.receive(round);
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'ProtocolError' } });
      expect(client.state).toHaveProperty('cause.message', expect.stringContaining('10000 messages in a row'));
    });

    it('is noisy costs 100 diagnostics and 10 log lines of a kind and second, and then a count (C14)', async () => {
      const lines: string[] = [];
      const logger = { debug: () => undefined, warn: (text: string) => lines.push(text) };
      let now = 0;
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
      const { client, line } = await connected({ logger });
      const diagnostics = collect(client.diagnostics$);
      const noise = (count: number): void => {
        for (let turn = 0; turn < count; turn += 1) line.receive('rubbish\r\n', event('STOP'));
      };
      noise(250);
      line.receive({ x: 1 });
      expect([diagnostics.length, lines.length, client.stats.faults]).toEqual([101, 11, 251]);
      now = 1_000;
      noise(1);
      expect(diagnostics.slice(101)).toMatchObject([
        { kind: 'suppressed', of: 'bad-line', count: 150 },
        { kind: 'bad-line' },
      ]);
      expect(lines.slice(11)).toEqual([
        expect.stringContaining('240 more of the kind bad-line'),
        expect.stringContaining('rubbish'),
      ]);
      noise(120);
      await client.disconnect();
      expect(diagnostics.at(-1)).toMatchObject({ kind: 'suppressed', of: 'bad-line', count: 21 });
      clock.mockRestore();
      await client.close();
    });

    it('makes listeners fail without end costs a diagnostic each: only noise of its own is limited (C14)', async () => {
      const { client, line } = await connected();
      const diagnostics = collect(client.diagnostics$);
      client.listener('STOP', () => {
        throw new Error('no');
      });
      for (let turn = 0; turn < 150; turn += 1) line.emit('STOP');
      expect(diagnostics.length).toBe(150);
      await client.close();
    });

    it('sends half a message and leaves costs a diagnostic and the session (C5)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      line.receive('{"event":"ST');
      line.end();
      expect(seen).toEqual(['half-message']);
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    });

    it('sends a whole message without a line end and leaves is heard (small print)', async () => {
      const { client, line } = await connected();
      line.receive(event('STOP').trimEnd());
      line.end();
      expect(namesIn(client.events.clear())).toEqual(['STOP']);
    });

    it('sends any bytes at all, throws nothing out of the socket callback (C5)', async () => {
      const { client, line } = await connected({ logger: { debug: () => undefined, warn: () => undefined } });
      const strange = [
        '{}',
        '{"return":{}}',
        '{"error":{}}',
        '{"id":{}}',
        '{"event":""}',
        '{"QMP":5}',
        '"',
        '\\',
        '\0',
        '{',
      ];
      for (const one of strange) {
        expect(() => {
          line.receive(`${one}\n`);
        }).not.toThrow();
      }
      line.receive(Uint8Array.from({ length: 256 }, (_item, index) => index));
      line.receive('\n');
      expect(client.state.phase).toBe('ready');
      await client.close();
    });

    it('sends replies of 64 KiB and more is heard (go-qemu#159, fact 8)', async () => {
      const server = await ScriptedServer.unix(async (peer) => {
        await peer.handshake();
        await peer.replyToAll('x'.repeat(300_000));
      });
      const client = await connect(server.address);
      for (let count = 0; count < 3; count += 1) expect(await client.execute('query-qmp-schema')).toHaveLength(300_000);
      await client.close();
      await server.stop();
    });

    it('misbehaves harms no other client (C5)', async () => {
      const bad = await ScriptedServer.unix(async (peer) => {
        await peer.handshake();
        await peer.send('x\n'.repeat(1_000));
        await peer.gone();
      });
      const good = await ScriptedServer.unix(async (peer) => {
        await peer.handshake();
        await peer.replyToAll('well');
      });
      const clients = await Promise.all(
        [bad, good].map(({ address }) =>
          connect(address, { logger: { debug: () => undefined, warn: () => undefined } }),
        ),
      );
      const [first, second] = clients as [QmpClient, QmpClient];
      await first.events.get().catch(() => undefined);
      expect(first.state.phase).toBe('closed');
      expect(await second.execute('query-name')).toBe('well');
      for (const client of clients) await client.close();
      await bad.stop();
      await good.stop();
    });
  });

  describe('integers', () => {
    it('arrive rounded, with one diagnostic per message (C6, row 51)', async () => {
      const { client, line } = await connected();
      const seen = kinds(client);
      const result = client.execute('query-block');
      line.receive('{"return":[9007199254740993,9007199254740993,9007199254740992],"id":2}\r\n');
      expect(await result).toEqual([9007199254740992, 9007199254740992, 9007199254740992]);
      expect(seen).toEqual(['rounded-integer']);
      line.receive('{"event":"X","data":{"a":18446744073709551615}}\r\n');
      expect(seen).toEqual(['rounded-integer', 'rounded-integer']);
      await client.close();
    });

    it("arrive and are sent exactly with integers: 'exact' (C6, row 51)", async () => {
      const { client, line } = await connected({ integers: 'exact' });
      const seen = kinds(client);
      const result = client.execute(unlisted('x-echo'), { value: 18446744073709551615n });
      expect(line.sent[1]?.line).toBe('{"execute":"x-echo","arguments":{"value":18446744073709551615},"id":2}');
      line.receive('{"return":{"value":18446744073709551615,"small":9007199254740992},"id":2}\r\n');
      expect(await result).toEqual({ value: 18446744073709551615n, small: 9007199254740992 });
      expect(seen).toEqual([]);
      await client.close();
    });

    it('are sent exactly as bigint in either mode (C6)', async () => {
      const { client, line } = await connected();
      const result = client.execute(unlisted('x-echo'), { value: [2n ** 63n] });
      expect(line.sent[1]?.line).toContain('[9223372036854775808]');
      line.reply();
      await result;
      await client.close();
    });
  });

  describe('passwords', () => {
    it('never reach logger, errors, diagnostics or console (C9)', async () => {
      const said: string[] = [];
      const note = (text?: unknown): void => {
        said.push(String(text));
      };
      const consoles = [jest.spyOn(console, 'log'), jest.spyOn(console, 'warn'), jest.spyOn(console, 'error')];
      for (const spy of consoles) spy.mockImplementation(note);
      const { client, line } = await connected({ logger: { debug: note, warn: note }, executeTimeout: 5 });
      client.diagnostics$.subscribe((diagnostic) => {
        said.push(JSON.stringify(diagnostic));
      });
      const secret = { protocol: 'vnc', password: 'hunter2' } as const;
      const errors: Error[] = [];
      const run = (command: Promise<unknown>): Promise<unknown> =>
        command.catch((error: unknown) => errors.push(error as Error));
      const refused = run(client.execute('set_password', secret));
      line.refuse('Could not set password');
      await refused;
      const malformed = run(client.execute('set_password', secret));
      line.receive({ error: 5, id: line.sent.at(-1)?.id });
      await malformed;
      await run(client.execute('set_password', secret));
      await run(client.execute('set_password', { ...secret, password: 'hunter2\uD800' }));
      await run(client.execute('set_password', { ...secret, connected: Symbol('hunter2') as never }));
      await run(client.execute('set_password', 'hunter2' as never));
      line.receive('{"return":{},"id":77}\r\nnonsense\r\n', { error: { class: 'GenericError', desc: 'x' } });
      const interrupted = run(client.execute('set_password', secret, { timeout: Infinity }));
      line.break();
      await interrupted;
      await run(client.execute('set_password', secret));
      await client.close();
      for (const spy of consoles) spy.mockRestore();
      expect(errors).toHaveLength(8);
      for (const error of errors) {
        const all = [
          error.message,
          error.stack,
          JSON.stringify(error),
          JSON.stringify(Object.getOwnPropertyDescriptors(error)),
        ];
        expect(all.join(' ')).not.toContain('hunter2');
      }
      expect(said.length).toBeGreaterThan(0);
      expect(said.join(' ')).not.toContain('hunter2');
    });
  });
});
