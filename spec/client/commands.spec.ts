import { firstValueFrom, lastValueFrom, Observable, toArray, type Subscriber } from 'rxjs';
import { ExecInterruptedError, ExecTimeoutError, ExecuteError, QmpClient, StateError, type Connection } from 'rx-qmp';
import { namesIn, settled } from '../support/bus-events.js';
import { event, greeting } from '../support/scripted-server.js';
import { collect, connected, unlisted, Wire, type Line } from '../support/wire.js';

/** The names of what was sent, the handshake left out. */
function sent(line: Line): (string | undefined)[] {
  return line.sent.slice(1).map((command) => command.execute ?? command['exec-oob']);
}

describe('QmpClient', () => {
  describe('execute', () => {
    it('sends a line with an id of our own and resolves with what comes back (C3)', async () => {
      const { client, line } = await connected();
      const result = client.execute('human-monitor-command', { 'command-line': 'info "x"' });
      expect(line.sent[1]?.line).toBe(
        '{"execute":"human-monitor-command","arguments":{"command-line":"info \\"x\\""},"id":2}',
      );
      line.reply('');
      expect(await result).toBe('');
      await client.close();
    });

    it.each([[0], [false], [''], [null], [[]], [{}]])(
      'takes %j for a proper result (fact 11, qemu-qmp)',
      async (value) => {
        const { client, line } = await connected();
        const results = [client.execute('query-name'), client.execute('query-status')];
        line.reply(value, line.sent[1]);
        line.reply('the next', line.sent[2]);
        expect(await Promise.all(results)).toEqual([value, 'the next']);
        await client.close();
      },
    );

    it('pipelines, and takes the replies in any order (C3)', async () => {
      const { client, line } = await connected();
      const results = ['query-a', 'query-b', 'query-c'].map((name: string) => client.execute(name));
      expect(sent(line)).toEqual(['query-a', 'query-b', 'query-c']);
      for (const command of line.sent.slice(1).reverse()) line.reply(command.execute, command);
      expect(await Promise.all(results)).toEqual(['query-a', 'query-b', 'query-c']);
      await client.close();
    });

    it('has no more than 8 in-band commands on the wire when oob is on, the others wait in order (C3, fact 7)', async () => {
      const { client, line } = await connected({}, 'oob');
      const results = Array.from({ length: 20 }, (_item, index) => client.execute(unlisted(`query-${index}`)));
      expect(line.sent).toHaveLength(1 + 8);
      expect(client.stats.pending).toBe(20);
      for (let index = 1; index <= 20; index += 1) {
        line.reply(line.sent[index]?.execute, line.sent[index]);
        expect(line.sent).toHaveLength(1 + Math.min(20, index + 8));
      }
      expect(await Promise.all(results)).toEqual(sent(line));
      expect(sent(line)).toEqual(Array.from({ length: 20 }, (_item, index) => `query-${index}`));
      await client.close();
    });

    it('has no such limit where oob is not offered (C3)', async () => {
      const { client, line } = await connected();
      const results = Array.from({ length: 20 }, () => client.execute('query-name'));
      expect(line.sent).toHaveLength(1 + 20);
      for (const command of line.sent.slice(1)) line.reply({}, command);
      await Promise.all(results);
      await client.close();
    });

    it('sends no more at a time than maxInFlight, the smaller of the client and of the connector (C12)', async () => {
      for (const [own, connectors] of [
        [1, 2],
        [2, 1],
        [1, undefined],
      ] as const) {
        const wire = new Wire();
        const connector = Object.assign(wire.connector.bind(undefined), connectors ? { maxInFlight: connectors } : {});
        const client = new QmpClient(connector, { maxInFlight: own });
        const greeted = client.connect();
        const line = await wire.line(1);
        line.handshake('oob');
        await greeted;
        const results = [client.execute('query-name'), client.execute('query-status')];
        const overtaking = client.execute('query-yank', undefined, { oob: true });
        expect(sent(line)).toEqual(['query-name', 'query-yank']);
        line.reply([]);
        await overtaking;
        line.reply({}, line.sent[1]);
        line.reply();
        await Promise.all(results);
        await client.close();
      }
    });

    it('leaves a command that was given up its place until its late reply (C12)', async () => {
      const { client, line } = await connected({ maxInFlight: 1 });
      await expect(client.execute('stop', undefined, { timeout: 1 })).rejects.toThrow('may still be running');
      const next = client.execute('query-name');
      expect(sent(line)).toEqual(['stop']);
      line.reply({}, line.sent[1]);
      expect(sent(line)).toEqual(['stop', 'query-name']);
      line.reply();
      await next;
      await client.close();
    });

    it('tells a connection that can abandon a command, which then frees its place (C12)', async () => {
      const abandoned: number[] = [];
      const wire = new Wire();
      wire.extra = { abandon: (id) => abandoned.push(id) };
      const client = new QmpClient(wire.connector, { maxInFlight: 1 });
      const greeted = client.connect();
      const line = await wire.line(1);
      line.handshake();
      await greeted;
      const controller = new AbortController();
      const first = client.execute('stop', undefined, { signal: controller.signal });
      const waiting = client.execute('cont', undefined, { signal: AbortSignal.timeout(1) });
      await expect(waiting).rejects.toThrow('timeout');
      const second = client.execute('query-name');
      controller.abort(new Error('enough'));
      await expect(first).rejects.toThrow('enough');
      expect(abandoned).toEqual([line.sent[1]?.id]);
      expect(sent(line)).toEqual(['stop', 'query-name']);
      line.reply();
      await second;
      await client.close();
    });

    it('refuses a maxInFlight that lets nothing through (C12)', () => {
      expect(() => new QmpClient(new Wire().connector, { maxInFlight: 0 })).toThrow(RangeError);
      const connector = Object.assign(new Wire().connector, { maxInFlight: 0.5 });
      expect(() => new QmpClient(connector)).toThrow("the connector's maxInFlight");
    });

    it('never sends what was aborted while it waited (C3)', async () => {
      const { client, line } = await connected({}, 'oob');
      const controller = new AbortController();
      const results = Array.from({ length: 8 }, () => client.execute('query-name'));
      const aborted = client.execute('stop', undefined, { signal: controller.signal });
      results.push(client.execute('cont'));
      controller.abort(new Error('changed my mind'));
      await expect(aborted).rejects.toThrow('changed my mind');
      for (let index = 1; index <= 9; index += 1) line.reply({}, line.sent[index]);
      await Promise.all(results);
      expect(sent(line)).toEqual([...Array.from({ length: 8 }, () => 'query-name'), 'cont']);
      await client.close();
    });

    it('sends oob commands as exec-oob, and at once (C3, row 53)', async () => {
      const { client, line } = await connected({}, 'oob');
      const results = Array.from({ length: 9 }, () => client.execute('query-name'));
      const overtaking = client.execute('query-yank', undefined, { oob: true });
      expect(line.sent.at(-1)).toMatchObject({ 'exec-oob': 'query-yank', id: 11 });
      expect(line.sent).toHaveLength(1 + 8 + 1);
      line.reply([]);
      expect(await overtaking).toEqual([]);
      for (let index = 1; index <= 8; index += 1) line.reply({}, line.sent[index]);
      line.reply();
      await Promise.all(results);
      await client.close();
    });

    it('refuses an oob command where oob is not offered (small print)', async () => {
      const { client, line } = await connected();
      await expect(client.execute('query-yank', undefined, { oob: true })).rejects.toThrow(StateError);
      expect(line.sent).toHaveLength(1);
      await client.close();
    });

    it('has every event that came before the reply in the queues when it resolves (C3, row 38, fact 1, go-qemu#158)', async () => {
      const { client, line } = await connected();
      const stops = client.listener('STOP');
      const stopped = client.execute('stop');
      line.receive(`${event('STOP')}{"return":{},"id":2}\r\n`);
      await stopped;
      expect(namesIn(stops.clear())).toEqual(['STOP']);
      // The other way round is as good: incus#3201, ganeti#1749.
      const again = client.execute('stop');
      line.receive(`{"return":{},"id":3}\r\n${event('STOP')}`);
      await again;
      expect((await stops.get()).event).toBe('STOP');
      await client.close();
    });

    it('refuses a command above 64 MiB with a RangeError, and the session lives (C13)', async () => {
      const { client, line } = await connected();
      const text = 'é'.repeat(32 * 1024 * 1024);
      const refused = await client.execute(unlisted('x-big'), { text }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RangeError);
      expect((refused as Error).message).toMatch(/^wire: x-big: the command is larger than 67108864 bytes/);
      expect([line.sent.length, client.stats.pending, client.state.phase]).toEqual([1, 0, 'ready']);
      await client.close();
    });

    it('passes file descriptors to a connection that can', async () => {
      const wire = new Wire();
      const passed: unknown[] = [];
      wire.extra = {
        sendWithFds: (data, fds) => {
          passed.push(fds);
          void wire.line(1).then((line) => {
            line.send(data);
          });
        },
      };
      const client = new QmpClient(wire.connector);
      const greeted = client.connect();
      const line = await wire.line(1);
      line.handshake();
      await greeted;
      const got = client.execute('getfd', { fdname: 'a' }, { fds: [5, { fd: 7 }] });
      await wire.line(1);
      expect(passed).toEqual([[5, 7]]);
      line.reply();
      await got;
      for (const fds of [[], [-1], ['5'], [{ fd: -1 }], [null]] as unknown[]) {
        await expect(client.execute('getfd', { fdname: 'a' }, { fds: fds as number[] })).rejects.toThrow(TypeError);
      }
      await client.close();
    });

    it('says what to do where a connection passes no file descriptors', async () => {
      const { client, line } = await connected();
      await expect(client.execute('getfd', { fdname: 'a' }, { fds: [5] })).rejects.toThrow(
        /getfd: this connection passes no file descriptors; .*withDescriptors.* of rx-qmp\/descriptors/,
      );
      expect(line.sent).toHaveLength(1);
      await client.close();
    });

    it('rejects with ExecuteError and the stack of the caller (C4, small print)', async () => {
      const { client, line } = await connected({ name: 'vm1' });
      const callHere = (): Promise<unknown> => client.execute('cont');
      const failing = callHere();
      line.receive({ error: { class: 'DeviceNotFound', desc: 'no such thing' }, id: 2 });
      const error = (await failing.catch((reason: unknown) => reason)) as ExecuteError;
      expect(error).toBeInstanceOf(ExecuteError);
      expect(error).toMatchObject({
        name: 'ExecuteError',
        message: 'vm1: cont: no such thing',
        errorClass: 'DeviceNotFound',
        desc: 'no such thing',
        command: 'cont',
      });
      expect(error.stack).toMatch(/^ExecuteError: vm1: cont: no such thing\n.*\n?/);
      expect(error.stack).toContain('callHere');
      await client.close();
    });

    it.each<[string, unknown]>([
      ['a number', 5],
      ['null', null],
      ['text', 'no'],
      ['a list', []],
      ['words of another kind', { class: 1, desc: {} }],
    ])('rejects with ExecuteError for an error of %s, too (C5)', async (_name, error) => {
      const { client, line } = await connected();
      const failing = client.execute('cont');
      line.receive({ error, id: 2 });
      await expect(failing).rejects.toMatchObject({ name: 'ExecuteError', command: 'cont' });
      await client.close();
    });

    it('frees the caller after its time; the late reply is swallowed (C4, incus#3558, row 46)', async () => {
      const { client, line } = await connected({ executeTimeout: 10 });
      const diagnostics = collect(client.diagnostics$);
      const error = (await client.execute('query-block').catch((reason: unknown) => reason)) as ExecTimeoutError;
      expect(error).toBeInstanceOf(ExecTimeoutError);
      expect(error).toMatchObject({ command: 'query-block', timeout: 10 });
      expect(error.message).toBe('wire: query-block: no reply within 10 ms; it may still be running');
      expect(client.stats.pending).toBe(1);
      line.reply([]);
      const next = client.execute('query-name', undefined, { timeout: Infinity });
      line.reply({ name: 'vm1' });
      expect(await next).toEqual({ name: 'vm1' });
      expect(diagnostics).toEqual([]);
      expect(client.stats.pending).toBe(0);
      await client.close();
    });

    it('says of one that waited for its turn that it was not sent (C4)', async () => {
      const { client, line } = await connected({}, 'oob');
      const results = Array.from({ length: 8 }, () => client.execute('query-name'));
      await expect(client.execute('stop', undefined, { timeout: 5 })).rejects.toThrow(/stop: not sent within 5 ms/);
      for (const command of line.sent.slice(1)) line.reply({}, command);
      await Promise.all(results);
      expect(sent(line)).not.toContain('stop');
      await client.close();
    });

    it('frees the caller on abort, with the reason; error and reply that come late are swallowed (C4)', async () => {
      const { client, line } = await connected();
      const diagnostics = collect(client.diagnostics$);
      const controller = new AbortController();
      const two = ['query-block', 'query-cpus-fast'].map((name: string) =>
        client.execute(name, undefined, { signal: controller.signal }),
      );
      controller.abort(new Error('enough'));
      for (const one of two) await expect(one).rejects.toThrow('enough');
      line.reply([], line.sent[1]);
      line.refuse('too late', line.sent[2]);
      expect(diagnostics).toEqual([]);
      // A second reply to the same command answers nothing.
      line.reply([], line.sent[1]);
      expect(diagnostics).toMatchObject([{ kind: 'unknown-id' }]);
      await expect(client.execute('stop', undefined, { signal: controller.signal })).rejects.toThrow('enough');
      expect(sent(line)).toEqual(['query-block', 'query-cpus-fast']);
      await client.close();
    });

    it('takes one signal for any number of commands without a warning (small print)', async () => {
      const warnings: unknown[] = [];
      const note = (warning: unknown): number => warnings.push(warning);
      process.on('warning', note);
      const { client, line } = await connected();
      const { signal } = new AbortController();
      const results = Array.from({ length: 50 }, () => client.execute('query-name', undefined, { signal }));
      for (const command of line.sent.slice(1)) line.reply({}, command);
      await Promise.all(results);
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', note);
      expect(warnings).toEqual([]);
      await client.close();
    });

    it('rejects every pending command when the connection is lost, at once (C4, node-qemu)', async () => {
      const { client, line } = await connected({}, 'oob');
      const results = Array.from({ length: 10 }, (_item, index) => client.execute(unlisted(`query-${index}`)));
      const cause = new Error('read ECONNRESET');
      line.break(cause);
      const errors = (await Promise.allSettled(results)).map((one) => (one as PromiseRejectedResult).reason as Error);
      for (const error of errors) {
        expect(error).toBeInstanceOf(ExecInterruptedError);
        expect(error.cause).toMatchObject({ name: 'DisconnectedError', cause });
      }
      expect(errors[0]?.message).toContain('it may have been executed');
      expect(errors[9]?.message).toContain('before it was sent');
      expect(errors[9]).toMatchObject({ command: 'query-9' });
      expect(client.stats.pending).toBe(0);
    });

    it('has a limit for commands without a reply', async () => {
      const { client } = await connected({}, 'oob');
      const results = Array.from({ length: 10_000 }, () => client.execute('query-name'));
      await expect(client.execute('query-name')).rejects.toThrow(/10000 commands are unanswered/);
      await client.close();
      expect((await Promise.allSettled(results)).every(({ status }) => status === 'rejected')).toBe(true);
    });
  });

  describe('execute without a session', () => {
    it('rejects at once with StateError in every other phase, and keeps nothing for later (C4, node-qemu)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector, { reconnect: { delay: () => 1 } });
      const refused = async (): Promise<void> => {
        const error = (await client.execute('stop').catch((reason: unknown) => reason)) as Error;
        expect(error).toBeInstanceOf(StateError);
        expect(error.message).toBe(`wire: stop: not connected (${client.state.phase}); await connect() first`);
      };
      const phases: string[] = [];
      const note = async (): Promise<void> => {
        phases.push(client.state.phase);
        await refused();
      };
      await note();
      const greeted = client.connect();
      await note();
      const line = await wire.line(1);
      await note();
      line.handshake();
      await greeted;
      line.break();
      await note();
      const second = await wire.line(2);
      second.handshake();
      expect(second.sent).toHaveLength(1);
      await client.disconnect();
      await note();
      await client.close();
      await note();
      expect(phases).toEqual(['idle', 'connecting', 'negotiating', 'reconnecting', 'closed', 'closed']);
    });
  });

  describe('execute with bad arguments', () => {
    it.each<[string, unknown[], ErrorConstructor, RegExp]>([
      ['no name', [''], TypeError, /command must be the name/],
      ['a number for a name', [5], TypeError, /command must be the name/],
      ['text for arguments', ['stop', 'secret'], TypeError, /arguments must be an object, not a string/],
      ['a list for arguments', ['stop', ['secret']], TypeError, /arguments must be an object, not an array/],
      ['a negative timeout', ['stop', {}, { timeout: -1 }], RangeError, /timeout/],
      ['a signal that is none', ['stop', {}, { signal: {} }], TypeError, /signal/],
      ['half a surrogate pair', ['stop', { secret: 'secret\uD800' }], TypeError, /arguments\.secret holds half/],
      ['a non-character', ['stop', { a: 'secret\uFFFF' }], TypeError, /non-character/],
      ['NaN', ['stop', { a: NaN }], TypeError, /NaN/],
      ['half a surrogate pair in the name', ['st\uD800op'], TypeError, /execute holds half/],
    ])('refuses %s, sends nothing and shows no argument (C5, C9)', async (_name, parameters, type, message) => {
      const { client, line } = await connected();
      const execute = client.execute.bind(client) as (...all: unknown[]) => Promise<unknown>;
      const error = (await execute(...parameters).catch((reason: unknown) => reason)) as Error;
      expect(error).toBeInstanceOf(type);
      expect(error.message).toMatch(message);
      expect(error.message.replace('arguments.secret', '')).not.toContain('secret');
      expect(line.sent).toHaveLength(1);
      expect(client.stats.pending).toBe(0);
      await client.close();
    });
  });

  describe('execute$', () => {
    it('is cold: each subscription runs the command (C4)', async () => {
      const { client, line } = await connected();
      const status$ = client.execute$('query-status');
      expect(line.sent).toHaveLength(1);
      const both = [lastValueFrom(status$.pipe(toArray())), lastValueFrom(status$.pipe(toArray()))];
      line.reply(1, line.sent[1]);
      line.reply(2, line.sent[2]);
      expect(await Promise.all(both)).toEqual([[1], [2]]);
      await client.close();
    });

    it('aborts on unsubscribe: what waits is never sent, a late reply is swallowed (C4)', async () => {
      const { client, line } = await connected({}, 'oob');
      const diagnostics = collect(client.diagnostics$);
      const subscriptions = Array.from({ length: 9 }, () => client.execute$('query-name').subscribe());
      for (const subscription of subscriptions) subscription.unsubscribe();
      for (const command of line.sent.slice(1)) line.reply({}, command);
      expect(line.sent).toHaveLength(1 + 8);
      expect(diagnostics).toEqual([]);
      expect(client.stats.pending).toBe(0);
      await client.close();
    });

    it('fails with what execute rejects with, a signal included', async () => {
      const { client, line } = await connected();
      const failing = firstValueFrom(client.execute$('stop'));
      line.refuse('no');
      await expect(failing).rejects.toThrow(ExecuteError);
      const controller = new AbortController();
      const aborted = firstValueFrom(client.execute$('stop', undefined, { signal: controller.signal }));
      controller.abort(new Error('enough'));
      await expect(aborted).rejects.toThrow('enough');
      await expect(
        firstValueFrom(client.execute$('stop', undefined, { signal: AbortSignal.abort(new Error('before')) })),
      ).rejects.toThrow('before');
      await client.close();
    });
  });

  describe('messages$ and traffic$', () => {
    it('show a message before it is acted on (C1)', async () => {
      const { client, line } = await connected();
      const stops = client.listener('STOP');
      const seen: unknown[] = [];
      client.messages$.subscribe((message) => seen.push([message, stops.size, client.stats.pending]));
      const stopped = client.execute('stop');
      line.emit('STOP');
      line.reply({});
      await stopped;
      expect(seen).toMatchObject([
        [{ event: 'STOP' }, 0, 1],
        [{ return: {}, id: 2 }, 0 + 1, 1],
      ]);
      await client.close();
    });

    it('show both directions, in order, the handshake included (C1)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const traffic = collect(client.traffic$);
      const greeted = client.connect();
      (await wire.line(1)).handshake();
      await greeted;
      expect(traffic).toMatchObject([
        { direction: 'received', message: JSON.parse(greeting()) as object },
        { direction: 'sent', message: { execute: 'qmp_capabilities', id: 1 } },
        { direction: 'received', message: { return: {}, id: 1 } },
      ]);
      await client.close();
    });

    it('are hot, stay open between sessions and complete at close (B8)', async () => {
      const { client, wire } = await connected();
      const ends: string[] = [];
      for (const [name, stream] of Object.entries<Observable<unknown>>({
        messages: client.messages$,
        traffic: client.traffic$,
        gaps: client.gaps$,
        diagnostics: client.diagnostics$,
        events: client.events$,
        state: client.state$,
      })) {
        stream.subscribe({ complete: () => ends.push(name) });
      }
      await client.disconnect();
      const again = client.connect();
      (await wire.line(2)).break();
      await expect(again).rejects.toThrow();
      expect(ends).toEqual([]);
      await client.close();
      expect(ends.sort()).toEqual(['diagnostics', 'events', 'gaps', 'messages', 'state', 'traffic']);
    });
  });

  describe('a server in the same process that answers from inside send', () => {
    it('may use the memory of what it said again (C1)', async () => {
      const memory = Buffer.alloc(1024);
      let server: Subscriber<Uint8Array> | undefined;
      const say = (text: string): void => {
        server?.next(memory.subarray(0, memory.write(text)));
        memory.fill('}');
      };
      const connection: Connection = {
        incoming$: new Observable((subscriber) => {
          server = subscriber;
          say(greeting('oob'));
        }),
        send: (text) => {
          say(`{"return": {}, "id": ${String((JSON.parse(String(text)) as { id: number }).id)}}\r\n`);
        },
        close: () => undefined,
      };
      const client = new QmpClient(() => Promise.resolve(connection));
      await client.connect();
      expect(await client.execute('query-status')).toEqual({});
      await client.close();
    });

    it('is served in order', async () => {
      const { client, line } = await connected();
      line.onSend = () => {
        line.emit('STOP');
        line.reply(line.sent.length);
      };
      const stops = client.listener('STOP');
      const seen: number[] = [];
      const first = client.execute('stop').then(() => seen.push(stops.size));
      const second = client.execute('stop').then(() => seen.push(stops.size));
      await Promise.all([first, second]);
      expect(seen).toEqual([2, 2]);
      expect(await settled(client.execute('query-status'))).toEqual({ value: 4 });
      await client.close();
    });
  });
});
