import { Subject } from 'rxjs';
import { ConnectError, GreetingError, NegotiationError, QmpClient, StateError, type Connector } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { namesIn, settled } from '../support/bus-events.js';
import { event, greeting, ScriptedServer } from '../support/scripted-server.js';
import { collect, connected, Line, Wire } from '../support/wire.js';

/** A connector that waits until the spec gives it something. */
function slow(): { connector: Connector; signals: AbortSignal[]; give: (value: unknown) => void } {
  const signals: AbortSignal[] = [];
  let settle: ((value: never) => void) | undefined;
  const connector: Connector = (signal) => {
    signals.push(signal);
    return new Promise((resolve) => (settle = resolve));
  };
  return { connector, signals, give: (value) => settle?.(value as never) };
}

describe('QmpClient', () => {
  describe('connect', () => {
    it('resolves with the greeting, after the capabilities and not before (C2)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(greeting('oob'));
      expect(await settled(greeted)).toBe('waiting');
      expect(client.greeting).toBeUndefined();
      expect(line.sent).toMatchObject([{ execute: 'qmp_capabilities', arguments: { enable: ['oob'] } }]);
      line.reply();
      expect((await greeted).QMP.capabilities).toEqual(['oob']);
      expect(client.greeting).toBe(await greeted);
      await client.close();
    });

    it('asks for no capability that is not offered (C3)', async () => {
      const { client, line } = await connected({}, 'tomorrow');
      expect(line.sent[0]?.line).toBe('{"execute":"qmp_capabilities","id":1}');
      await client.close();
    });

    it('subscribes to incoming$ exactly once and closes the connection once (C1)', async () => {
      const { client, line } = await connected();
      await client.close();
      expect([line.subscriptions, line.closed]).toEqual([1, 1]);
    });

    it('gives all callers one attempt, and one that is running its greeting (C2)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const callers = [client.connect(), client.connect()];
      const line = await wire.line(1);
      callers.push(client.connect());
      line.handshake();
      const greetings = await Promise.all(callers);
      expect(new Set([...greetings, await client.connect()]).size).toBe(1);
      expect(wire.lines).toHaveLength(1);
      await client.close();
    });

    it('frees only the caller whose signal aborts; the last to leave ends the attempt (C2)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const [first, second] = [new AbortController(), new AbortController()];
      const callers = [client.connect({ signal: first.signal }), client.connect({ signal: second.signal })];
      const line = await wire.line(1);
      second.abort(new Error('second'));
      await expect(callers[1]).rejects.toThrow('second');
      expect([line.closed, client.state.phase]).toEqual([0, 'negotiating']);
      first.abort(new Error('first'));
      await expect(callers[0]).rejects.toThrow('first');
      expect([line.closed, client.state]).toEqual([1, { phase: 'closed' }]);
    });

    it('goes on for a caller without a signal (C2)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const controller = new AbortController();
      const leaving = client.connect({ signal: controller.signal });
      const staying = client.connect();
      controller.abort();
      await expect(leaving).rejects.toThrow(/aborted/);
      (await wire.line(1)).handshake();
      await expect(staying).resolves.toHaveProperty('QMP');
      await client.close();
    });

    it('does nothing for a signal that is aborted already, and nothing to a session by one that aborts later (C2)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      await expect(client.connect({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
      expect([client.state.phase, wire.lines.length]).toEqual(['idle', 0]);
      const controller = new AbortController();
      const greeted = client.connect({ signal: controller.signal });
      (await wire.line(1)).handshake();
      await greeted;
      controller.abort();
      expect(client.state.phase).toBe('ready');
      await client.close();
    });

    it('refuses a signal that is none, and begins nothing', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      await expect(client.connect({ signal: 5 as never })).rejects.toThrow(/signal/);
      expect([client.state.phase, wire.lines.length]).toEqual(['idle', 0]);
    });
  });

  describe('connect with a connector that', () => {
    it('rejects: ConnectError with phase and cause (C2)', async () => {
      const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      const client = new QmpClient(() => Promise.reject(cause), { name: 'vm1' });
      const error = await client.connect().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ phase: 'connecting', cause, message: 'cannot connect to vm1: refused' });
      expect(client.state).toMatchObject({ phase: 'closed', cause: error });
    });

    it('throws at once: the same (C2)', async () => {
      const cause = new Error('thrown');
      const client = new QmpClient(() => {
        throw cause;
      });
      await expect(client.connect()).rejects.toMatchObject({ name: 'ConnectError', phase: 'connecting', cause });
    });

    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['null', null],
      ['a number', 5],
      ['an object', {}],
      ['no Observable', { incoming$: [], send: () => undefined, close: () => undefined }],
      ['no send', { incoming$: new Subject(), close: () => undefined }],
      ['no close', { incoming$: new Subject(), send: () => undefined }],
    ])('gives %s: ConnectError, and a new attempt works', async (_name, value) => {
      const wire = new Wire();
      let first = true;
      const client = new QmpClient((signal) => {
        if (!first) return wire.connector(signal);
        first = false;
        return Promise.resolve(value as never);
      });
      const error = (await client.connect().catch((reason: unknown) => reason)) as ConnectError;
      expect(error).toBeInstanceOf(ConnectError);
      expect(error.cause).toBeInstanceOf(TypeError);
      const greeted = client.connect();
      (await wire.line(1)).handshake();
      await greeted;
      await client.close();
    });

    it('ignores its signal and never settles: disconnect frees the caller (C2, C7)', async () => {
      const { connector, signals } = slow();
      const client = new QmpClient(connector);
      const greeted = client.connect();
      await client.disconnect();
      const error = await greeted.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'ConnectError', phase: 'connecting' });
      expect((error as ConnectError).cause).toBeInstanceOf(StateError);
      expect(signals[0]?.aborted ?? true).toBe(true);
    });

    it('resolves after its attempt was given up: what it gives is closed, not used (C1)', async () => {
      const { connector, give } = slow();
      const client = new QmpClient(connector, { connectTimeout: 5 });
      const error = (await client.connect().catch((reason: unknown) => reason)) as ConnectError;
      expect(error).toMatchObject({ phase: 'connecting' });
      expect(error.message).toContain('no connection within 5 ms');
      const line = new Line();
      give(line);
      await settled(Promise.resolve());
      expect([line.closed, line.subscriptions, client.state.phase]).toEqual([1, 0, 'closed']);
    });

    it('is not called any more when the program disconnects in the same breath', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      client.state$.subscribe(({ phase }) => {
        if (phase === 'connecting') void client.disconnect();
      });
      await expect(client.connect()).rejects.toThrow(ConnectError);
      expect(wire.lines).toHaveLength(0);
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it('gives a connection whose send throws: the session is lost, nothing else (C4, C5)', async () => {
      const { client, line } = await connected();
      line.onSend = () => {
        throw new Error('write after end');
      };
      await expect(client.execute('query-status')).rejects.toMatchObject({ name: 'ExecInterruptedError' });
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
      expect(client.stats.pending).toBe(0);
    });
  });

  describe('the handshake', () => {
    it.each([
      ['an HTTP reply', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', true],
      ['nothing', '', true],
      ['a reply', '{"return":{}}\r\n', false],
      ['an error', '{"error":{"class":"GenericError","desc":"x"}}\r\n', false],
      ['a malformed greeting', '{"QMP":{}}\r\n', false],
      ['a greeting of null', '{"QMP":null}\r\n', false],
      ['half a greeting', '{"QMP":', true],
    ])('fails with GreetingError for %s (C2)', async (_name, sent, closes) => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector, { logger: { debug: () => undefined, warn: () => undefined } });
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(sent);
      if (closes) line.end();
      const error = (await greeted.catch((reason: unknown) => reason)) as ConnectError;
      expect(error).toMatchObject({ name: 'ConnectError', phase: 'negotiating' });
      expect(error.cause).toBeInstanceOf(GreetingError);
      expect(error.message).toMatch(/^cannot connect to wire: .*is this a QMP monitor/);
      expect(line.closed).toBe(1);
    });

    it('fails with NegotiationError when the capabilities are refused, and is over then (node-qemu)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(greeting());
      line.refuse('not today');
      const error = (await greeted.catch((reason: unknown) => reason)) as ConnectError;
      expect(error).toMatchObject({ name: 'ConnectError', phase: 'negotiating' });
      expect(error.cause).toBeInstanceOf(NegotiationError);
      expect(error.message).toContain('not today');
      expect([client.state.phase, line.closed]).toEqual(['closed', 1]);
    });

    it('fails with NegotiationError also where the refusal has no id', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(greeting(), { error: { class: 'GenericError', desc: 'parse error' } });
      await expect(greeted).rejects.toMatchObject({ cause: { name: 'NegotiationError' } });
    });

    it('fails with its cause when the connection breaks in it (C2)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(greeting());
      const cause = new Error('read ECONNRESET');
      line.break(cause);
      await expect(greeted).rejects.toMatchObject({
        phase: 'negotiating',
        cause: { name: 'DisconnectedError', cause },
      });
    });

    it('delivers events before the greeting and before the capabilities reply (C2, rows 25 and 49, govmm#90, ganeti#1649, go-qemu#210)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const listener = client.listener();
      const greeted = client.connect();
      const line = await wire.line(1);
      line.emit('EARLY');
      line.receive(greeting() + event('BETWEEN'));
      line.receive(`{"return":{},"id":1}\r\n${event('LATE')}`);
      await greeted;
      expect(namesIn(listener.clear())).toEqual(['EARLY', 'BETWEEN', 'LATE']);
      // No answer is one behind.
      const status = client.execute('query-status');
      line.reply({ status: 'running' });
      expect(await status).toEqual({ status: 'running' });
      await client.close();
    });

    it('is over with QEMU, in good order, when SHUTDOWN ends it', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.receive(greeting(), event('SHUTDOWN', { guest: false, reason: 'host-signal' }));
      line.end();
      await expect(greeted).rejects.toMatchObject({ phase: 'negotiating', cause: { message: 'QEMU has quit' } });
    });

    it('gives up after connectTimeout with a server that never greets, and says what may be (go-qemu#206, #214, kata-containers#12236, row 46)', async () => {
      const server = await ScriptedServer.unix((peer) => peer.gone());
      const error = (await connect(server.address, { connectTimeout: 50 }).catch(
        (reason: unknown) => reason,
      )) as ConnectError;
      expect(error).toMatchObject({ name: 'ConnectError', phase: 'negotiating' });
      expect(error.cause).toBeInstanceOf(GreetingError);
      expect(error.message).toContain(server.address);
      expect(error.message).toMatch(/not greeted within 50 ms.*one client at a time/);
      await server.stop();
    });

    it('gives up after connectTimeout with one that greets and then is silent (C2)', async () => {
      const server = await ScriptedServer.tcp(async (peer) => {
        await peer.send(greeting());
        await peer.gone();
      });
      await expect(connect(server.address, { connectTimeout: 50 })).rejects.toMatchObject({
        phase: 'negotiating',
        message: expect.stringMatching(/greeted, but qmp_capabilities was not answered within 50 ms.*TLS/) as string,
        cause: { name: 'NegotiationError' },
      });
      await server.stop();
    });

    it('dials anew for a new attempt: a greeting comes once per connection (kata-containers#12236)', async () => {
      const server = await ScriptedServer.unix(
        (peer) => peer.gone(),
        (peer) => peer.handshake(),
      );
      await expect(connect(server.address, { connectTimeout: 20 })).rejects.toThrow(ConnectError);
      const client = await connect(server.address);
      expect(server.peers).toHaveLength(2);
      await client.close();
      await server.stop();
    });

    it('takes a greeting in two pieces (qemu-qmp)', async () => {
      const server = await ScriptedServer.tcp(async (peer) => {
        const [first, second] = [greeting().slice(0, 20), greeting().slice(20)];
        await peer.send(first);
        await peer.send(second);
        await peer.replyToAll();
      });
      const client = await connect(server.address);
      expect(await client.execute('query-status')).toEqual({});
      await client.close();
      await server.stop();
    });
  });

  describe('state$', () => {
    it('gives the present state first, then each change, and completes at close (rows 44 and 45)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const phases: string[] = [];
      client.state$.subscribe({ next: ({ phase }) => phases.push(phase), complete: () => phases.push('|') });
      const greeted = client.connect();
      (await wire.line(1)).handshake();
      await greeted;
      await client.close();
      expect(phases).toEqual(['idle', 'connecting', 'negotiating', 'ready', 'closed', '|']);
      expect(collect(client.state$)).toEqual([{ phase: 'closed' }]);
    });

    it('shows a subscriber what it causes itself, in order, and others too (row 45)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const mine: string[] = [];
      const others: string[] = [];
      let attempts = 0;
      client.state$.subscribe(({ phase }) => {
        mine.push(phase);
        if (phase === 'idle') client.connect().catch(() => undefined);
        if (phase === 'connecting' && (attempts += 1) === 1) void client.disconnect();
        if (phase === 'closed' && attempts === 1) client.connect().catch(() => undefined);
        if (phase === 'ready') void client.close();
      });
      client.state$.subscribe({ next: ({ phase }) => others.push(phase), complete: () => others.push('|') });
      (await wire.line(2)).handshake();
      expect(wire.lines[0]).toMatchObject({ closed: 1, subscriptions: 0 });
      const told = ['connecting', 'closed', 'connecting', 'negotiating', 'ready', 'closed'];
      expect(mine).toEqual(['idle', ...told]);
      // It came when the first attempt was over.
      expect(others).toEqual(['connecting', 'negotiating', 'ready', 'closed', '|']);
    });

    it('lets connect() from inside the end of a session begin a new one, its callers unharmed (C7)', async () => {
      const { client, wire } = await connected();
      const greetings: Promise<unknown>[] = [];
      const reading = client.listener('STOP').get();
      client.state$.subscribe(({ phase }) => {
        if (phase === 'closed' && greetings.length === 0) greetings.push(client.connect());
      });
      await client.disconnect();
      await expect(reading).rejects.toThrow(/the session has ended/);
      (await wire.line(2)).handshake();
      await expect(greetings[0]).resolves.toHaveProperty('QMP');
      expect(client.state).toMatchObject({ phase: 'ready', session: 2 });
      await client.close();
    });

    it('says when it runs since, and which session it is', async () => {
      const { client, wire } = await connected();
      expect(client.state).toMatchObject({ phase: 'ready', session: 1, since: expect.any(Date) as Date });
      await client.disconnect();
      const again = client.connect();
      (await wire.line(2)).handshake();
      await again;
      expect(client.state).toMatchObject({ phase: 'ready', session: 2 });
      expect(client.stats.reconnects).toBe(1);
      await client.close();
    });
  });

  describe('bad arguments', () => {
    const { connector } = new Wire();
    it.each<[string, () => unknown, ErrorConstructor | RangeErrorConstructor, RegExp]>([
      ['a connector that is none', () => new QmpClient('unix:/x' as never), TypeError, /connector/],
      ['a negative time', () => new QmpClient(connector, { connectTimeout: -1 }), RangeError, /connectTimeout/],
      [
        'a time in words',
        () => new QmpClient(connector, { executeTimeout: '5s' as never }),
        TypeError,
        /executeTimeout/,
      ],
      [
        'a time too long for a timer',
        () => new QmpClient(connector, { executeTimeout: 2 ** 31 }),
        RangeError,
        /Infinity/,
      ],
      ['a size of 0', () => new QmpClient(connector, { maxMessageBytes: 0 }), RangeError, /maxMessageBytes/],
      ['other integers', () => new QmpClient(connector, { integers: 'bigint' as never }), TypeError, /integers/],
      ['a policy that is none', () => new QmpClient(connector, { reconnect: 5 as never }), TypeError, /reconnect/],
      ['a policy of null', () => new QmpClient(connector, { reconnect: null as never }), TypeError, /reconnect/],
    ])('refuses %s at once', (_name, make, type, message) => {
      expect(make).toThrow(type);
      expect(make).toThrow(message);
    });
  });
});
