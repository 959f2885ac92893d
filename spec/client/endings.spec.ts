import { lastValueFrom, toArray } from 'rxjs';
import { DisconnectedError, QmpClient, type Connector, type EventListener } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { namesIn, settled } from '../support/bus-events.js';
import { event, greeting, ScriptedServer } from '../support/scripted-server.js';
import { collect, connected, unlisted, Wire } from '../support/wire.js';

const SHUTDOWN = event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });

describe('QmpClient', () => {
  describe('disconnect', () => {
    it('is idempotent, closes without a cause, and connect() may follow (C7, row 44)', async () => {
      const { client, line, wire } = await connected();
      await client.disconnect();
      await client.disconnect();
      expect([line.closed, client.state]).toEqual([1, { phase: 'closed' }]);
      const again = client.connect();
      (await wire.line(2)).handshake();
      await again;
      expect(client.state).toMatchObject({ phase: 'ready', session: 2 });
      await client.close();
    });

    it('never raises the cause of a loss, and clears it (C7, row 44)', async () => {
      const { client, line } = await connected();
      line.break();
      expect(client.state).toHaveProperty('cause');
      await client.disconnect();
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it('closes a client that was never connected', async () => {
      const client = new QmpClient(new Wire().connector);
      await client.disconnect();
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it('never hangs on a server that has stopped reading (C7, row 47)', async () => {
      const server = await ScriptedServer.unix(async (peer) => {
        await peer.handshake();
        peer.socket.pause();
      });
      const client = await connect(server.address);
      const big = client.execute(unlisted('x-big'), { text: 'x'.repeat(4 * 1024 * 1024) });
      big.catch(() => undefined);
      await client.disconnect();
      await expect(big).rejects.toMatchObject({ name: 'ExecInterruptedError' });
      await server.stop();
    });

    it('takes a close() that throws for a diagnostic (C17)', async () => {
      const { client, line } = await connected();
      const kinds: string[] = [];
      client.diagnostics$.subscribe(({ kind }) => kinds.push(kind));
      line.close = () => {
        throw new Error('no');
      };
      await client.disconnect();
      expect([kinds, client.state]).toEqual([['close-failed'], { phase: 'closed' }]);
      await expect(client.execute('stop')).rejects.toMatchObject({ name: 'StateError', phase: 'closed' });
      await client.close();
    });

    it('ends a session that the other end floods without reading, when too much is unsent', async () => {
      const server = await ScriptedServer.unix(async (peer) => {
        await peer.handshake();
        peer.socket.pause();
      });
      const client = await connect(server.address);
      const commands = Array.from({ length: 5 }, () =>
        client.execute(unlisted('x-big'), { text: 'x'.repeat(32 * 1024 * 1024) }),
      );
      const ends = await Promise.allSettled(commands);
      expect(ends.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
      expect(client.state).toHaveProperty('cause.message', expect.stringContaining('stopped reading'));
      await client.close();
      await server.stop();
    });

    it.each(['connecting', 'negotiating', 'ready'] as const)(
      'from inside the change to %s ends there, and the callers hear of it (C7)',
      async (phase) => {
        const wire = new Wire();
        const client = new QmpClient(wire.connector);
        client.state$.subscribe((state) => {
          if (state.phase === phase) void client.disconnect();
        });
        const greeted = client.connect();
        if (phase === 'ready') {
          (await wire.line(1)).handshake();
          await expect(greeted).resolves.toHaveProperty('QMP');
        } else {
          await expect(greeted).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'StateError' } });
        }
        expect(client.state).toEqual({ phase: 'closed' });
        expect(wire.lines.map(({ closed }) => closed)).toEqual(phase === 'connecting' ? [] : [1]);
      },
    );

    it('from inside a dispatch lets the event reach everybody, then ends (B2, C7)', async () => {
      const { client, line } = await connected();
      const heard: string[] = [];
      const listeners = [client.listener('STOP'), client.listener('STOP')];
      client.events$.subscribe(() => {
        void client.disconnect();
      });
      for (const listener of listeners) {
        listener.events$.subscribe({ next: ({ event: name }) => heard.push(name), complete: () => heard.push('|') });
      }
      line.receive(event('STOP') + event('STOP'));
      expect(heard).toEqual(['STOP', 'STOP', '|', '|']);
      expect(listeners.map(({ size }) => size)).toEqual([1, 1]);
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it('and connect() from inside a dispatch leave the listeners live for the new session (B2, L9)', async () => {
      const { client, line, wire } = await connected();
      const listener = client.listener('STOP');
      const once = client.events$.subscribe(() => {
        once.unsubscribe();
        void client.disconnect();
        client.connect().catch(() => undefined);
      });
      line.emit('STOP');
      const second = await wire.line(2);
      second.handshake();
      second.emit('STOP');
      expect(listener.size).toBe(2);
      await client.close();
    });
  });

  describe('close', () => {
    it('is final, idempotent and completes every stream (C7)', async () => {
      const { client, line } = await connected();
      const ends: string[] = [];
      client.events$.subscribe({ complete: () => ends.push('events$') });
      client.state$.subscribe({ complete: () => ends.push('state$') });
      client.observe('STOP').subscribe({ complete: () => ends.push('observe') });
      await client.close();
      await client.close();
      expect(ends.sort()).toEqual(['events$', 'observe', 'state$']);
      expect(line.closed).toBe(1);
      await expect(client.connect()).rejects.toMatchObject({ name: 'ConnectError', cause: { name: 'StateError' } });
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it('happens at the end of await using, also after an exception', async () => {
      const { client, line } = await connected();
      await client[Symbol.asyncDispose]();
      expect(line.closed).toBe(1);
    });

    it('from inside a dispatch takes effect after it (B2)', async () => {
      const { client, line } = await connected();
      const heard: string[] = [];
      client.listener('STOP').events$.subscribe(() => {
        heard.push('first');
        void client.close();
      });
      client.listener('STOP').events$.subscribe({ next: () => heard.push('second'), complete: () => heard.push('|') });
      line.receive(event('STOP') + event('STOP'));
      expect(heard).toEqual(['first', 'second', '|']);
    });

    it('from inside state$ shows closed to all before it completes (row 45)', async () => {
      const wire = new Wire();
      const client = new QmpClient(wire.connector);
      const phases: string[] = [];
      client.state$.subscribe(({ phase }) => {
        if (phase === 'connecting') void client.close();
      });
      client.state$.subscribe({ next: ({ phase }) => phases.push(phase), complete: () => phases.push('|') });
      await expect(client.connect()).rejects.toThrow('disconnected by the program');
      expect(phases).toEqual(['idle', 'connecting', 'closed', '|']);
    });

    it('while connecting frees callers and the connector (C1)', async () => {
      let signal: AbortSignal | undefined;
      const connector: Connector = (given) => {
        signal = given;
        return new Promise(() => undefined);
      };
      const client = new QmpClient(connector);
      const callers = [client.connect(), client.connect()];
      await settled(Promise.resolve());
      await client.close();
      for (const caller of callers) await expect(caller).rejects.toMatchObject({ name: 'ConnectError' });
      expect(signal?.aborted).toBe(true);
    });
  });

  describe('the end of a connection', () => {
    it.each([
      ['close', 'end'],
      ['reset', 'break'],
    ] as const)('after quit is orderly, by %s (C7, fact 5)', async (_name, how) => {
      const { client, line } = await connected();
      const observed = lastValueFrom(client.observe('SHUTDOWN').pipe(toArray()));
      const quit = client.execute('quit');
      line.receive(SHUTDOWN);
      line.reply();
      await quit;
      line[how]();
      expect(client.state).toMatchObject({ phase: 'closed', shutdown: { reason: 'guest-shutdown' } });
      expect(client.state).not.toHaveProperty('cause');
      expect(namesIn(await observed)).toEqual(['SHUTDOWN']);
    });

    it('after quit interrupts what has no reply (C4)', async () => {
      const { client, line } = await connected();
      const quit = client.execute('quit');
      line.break();
      await expect(quit).rejects.toMatchObject({ name: 'ExecInterruptedError' });
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it('after a quit that QEMU refused is a loss (C7)', async () => {
      const { client, line } = await connected();
      const quit = client.execute('quit');
      line.refuse('not now');
      await expect(quit).rejects.toMatchObject({ name: 'ExecuteError' });
      line.end();
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    });

    it.each([
      ['close', 'end'],
      ['reset', 'break'],
    ] as const)('after SHUTDOWN is orderly, by %s (C7)', async (_name, how) => {
      const { client, line } = await connected();
      line.receive(SHUTDOWN);
      line[how]();
      expect(client.state).not.toHaveProperty('cause');
    });

    it('after a SHUTDOWN without data is orderly too', async () => {
      const { client, line } = await connected();
      line.emit('SHUTDOWN');
      line.end();
      expect(client.state).toEqual({ phase: 'closed' });
    });

    it.each(['STOP', 'RESUME', 'RESET'])('after SHUTDOWN and %s is a loss: the VM lived on (C7)', async (name) => {
      const { client, line } = await connected();
      line.receive(SHUTDOWN + event(name));
      line.end();
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
      expect(client.state).not.toHaveProperty('shutdown');
    });

    it('after SHUTDOWN and the reply to a command sent later is a loss: the VM lived on (C7)', async () => {
      const { client, line } = await connected();
      line.receive(SHUTDOWN);
      const status = client.execute('query-status');
      line.reply({ status: 'shutdown' });
      await status;
      line.end();
      expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
    });

    it('after SHUTDOWN and what QEMU says while it exits is orderly (C7)', async () => {
      const { client, line } = await connected();
      const command = client.execute('human-monitor-command', { 'command-line': 'quit' });
      line.receive(SHUTDOWN + event('JOB_STATUS_CHANGE', { id: 'j', status: 'aborting' }) + event('VNC_DISCONNECTED'));
      line.reply('');
      await command;
      line.end();
      expect(client.state).toMatchObject({ phase: 'closed', shutdown: { reason: 'guest-shutdown' } });
      expect(client.state).not.toHaveProperty('cause');
    });

    it('at any other time is a loss, with the cause (C7)', async () => {
      const { client, line } = await connected();
      const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      line.break(cause);
      expect(client.state).toMatchObject({
        phase: 'closed',
        cause: { name: 'DisconnectedError', message: 'wire: the connection is lost: read ECONNRESET', cause },
      });
    });

    it.each(['unix', 'tcp'] as const)(
      'by a reset of a real %s socket is a loss, and by one after quit is not (C7, fact 5)',
      async (kind) => {
        const server = await ScriptedServer[kind]((peer) => peer.send(`${greeting()}{"return":{},"id":1}\r\n`));
        const lost = await connect(server.address);
        const reading = lost.events.get();
        server.peers[0]?.reset();
        await expect(reading).rejects.toBeInstanceOf(DisconnectedError);
        expect(lost.state).toHaveProperty('cause.cause.code', 'ECONNRESET');
        const quitting = await connect(server.address);
        const quit = quitting.execute('quit');
        server.peers[1]?.reset();
        await expect(quit).rejects.toMatchObject({ name: 'ExecInterruptedError' });
        expect(quitting.state).toEqual({ phase: 'closed' });
        await server.stop();
      },
    );
  });

  describe('what listeners see of it', () => {
    /** How everything that can be waited for ends. */
    async function endings(client: QmpClient, end: () => void): Promise<Record<string, unknown>> {
      const listener: EventListener = client.listener();
      const seen: Record<string, unknown> = {};
      const iteration = (async () => {
        for await (const one of listener) seen['iterated'] = one.event;
        seen['iteration'] = 'done';
      })().catch((error: unknown) => (seen['iteration'] = error));
      await settled(Promise.resolve());
      const got = client.listener().get();
      listener.events$.subscribe({
        complete: () => (seen['view'] = 'completed'),
        error: () => (seen['view'] = 'error'),
      });
      client.observe().subscribe({
        complete: () => (seen['observe'] = 'completed'),
        error: (error: unknown) => (seen['observe'] = error),
      });
      client.events$.subscribe({ complete: () => (seen['events$'] = 'completed') });
      end();
      await iteration;
      seen['get'] = await got.catch((error: unknown) => error);
      return seen;
    }

    it('after a loss: views complete, observe() and iteration fail, get() rejects (B8, L9, row 14, eve#5916, go-qemu#155, #177, #184)', async () => {
      const { client, line } = await connected();
      const cause = new Error('read ECONNRESET');
      const seen = await endings(client, () => {
        line.break(cause);
      });
      expect(seen).toEqual({
        view: 'completed',
        observe: expect.any(DisconnectedError) as unknown,
        iteration: expect.any(DisconnectedError) as unknown,
        get: expect.any(DisconnectedError) as unknown,
      });
      expect(seen['get']).toMatchObject({ cause, message: 'wire: the connection is lost: read ECONNRESET' });
      await client.close();
    });

    it('after disconnect: all complete, get() rejects (B8, L9, row 14)', async () => {
      const { client } = await connected();
      const seen = await endings(client, () => void client.disconnect());
      expect(seen).toEqual({
        view: 'completed',
        observe: 'completed',
        iteration: 'done',
        get: expect.any(DisconnectedError) as unknown,
      });
      await client.close();
    });

    it('unread events stay and are read first; views subscribed later complete (L9)', async () => {
      const { client, line } = await connected();
      const listener = client.listener('STOP');
      line.emit('STOP');
      line.break();
      expect((await listener.get()).event).toBe('STOP');
      await expect(listener.get()).rejects.toThrow(DisconnectedError);
      const ends: string[] = [];
      listener.events$.subscribe({ complete: () => ends.push('view') });
      expect(ends).toEqual(['view']);
      expect(namesIn(listener.history)).toEqual(['STOP']);
      await client.close();
    });

    it('connect() makes them wait again; who waited before never hears what comes after (L9, rows 14 and 27)', async () => {
      const { client, line, wire } = await connected();
      const listener = client.listener('STOP');
      line.emit('STOP');
      const stale = client.listener('RESUME').iterate();
      const waiting = stale.next();
      await client.disconnect();
      expect(await waiting).toEqual({ done: true, value: undefined });
      const attempt = client.connect();
      const views = collect(listener.events$);
      (await wire.line(2)).handshake();
      await attempt;
      (await wire.line(2)).receive(event('STOP') + event('RESUME'));
      expect(await stale.next()).toEqual({ done: true, value: undefined });
      expect([listener.size, listener.history.length, views.length]).toEqual([2, 2, 1]);
      expect(client.listeners).toContain(listener);
      await client.close();
    });

    it('observe() subscribed between sessions waits for the next (B8)', async () => {
      const { client, wire } = await connected();
      await client.disconnect();
      const seen: string[] = [];
      client.observe('STOP').subscribe({ next: ({ event: name }) => seen.push(name), complete: () => seen.push('|') });
      expect(seen).toEqual([]);
      const again = client.connect();
      const line = await wire.line(2);
      line.handshake();
      await again;
      line.emit('STOP');
      expect(seen).toEqual(['STOP']);
      await client.close();
      expect(seen).toEqual(['STOP', '|']);
    });

    it('a read that nobody awaits kills no process (L9)', async () => {
      const { client, line } = await connected();
      void client.events.get();
      void client.listener('STOP').iterate().next();
      line.break();
      await new Promise((resolve) => setImmediate(resolve));
      await client.close();
    });
  });
});
