import { EventListener, type QmpEvent } from 'rx-qmp';
import { namesIn } from '../support/bus-events.js';
import { event } from '../support/scripted-server.js';
import { collect, connected } from '../support/wire.js';

class Overridden extends EventListener {
  constructor(readonly onPut: (event: QmpEvent) => unknown) {
    super();
  }

  override put(heard: QmpEvent): boolean {
    return this.onPut(heard) as boolean;
  }
}

describe('QmpClient with handlers of its program', () => {
  it('survives a listener that throws; replies and other listeners go on (row 36, node-qemu)', async () => {
    const { client, line } = await connected();
    const diagnostics = collect(client.diagnostics$);
    client.registerListener(
      new Overridden(() => {
        throw new Error('put');
      }),
    );
    client.listener('STOP', () => {
      throw new Error('filter');
    });
    const last = client.listener('STOP');
    const stopped = client.execute('stop');
    line.receive(`${event('STOP')}{"return":{},"id":2}\r\n`);
    expect(await stopped).toEqual({});
    expect(namesIn(last.clear())).toEqual(['STOP']);
    expect(diagnostics.map(({ kind }) => kind)).toEqual(['listener-fault', 'listener-fault']);
    expect(client.state.phase).toBe('ready');
    await client.close();
  });

  it('is not held up by a put that awaits a command: no deadlock, and its rejection is a diagnostic (row 36, incus#448, kubevirt#4253)', async () => {
    const { client, line } = await connected();
    const diagnostics = collect(client.diagnostics$);
    const slow = new Overridden(async () => {
      await client.execute('cont');
      throw new Error('too late');
    });
    client.registerListener(slow);
    line.emit('STOP');
    expect(line.sent.at(-1)).toMatchObject({ execute: 'cont' });
    const other = client.execute('query-status');
    line.reply({ status: 'running' });
    expect(await other).toEqual({ status: 'running' });
    const told = new Promise((resolve) => client.diagnostics$.subscribe(resolve));
    line.reply({}, line.sent.at(-2));
    await told;
    expect(diagnostics).toMatchObject([{ kind: 'listener-fault', listener: slow }]);
    await client.close();
  });

  it('keeps no listener of an observe() that nobody watches any more (go-qemu#155, #177, #184)', async () => {
    const { client, line } = await connected();
    for (let count = 0; count < 1_000; count += 1) {
      const watching = client.observe('STOP', () => true).subscribe();
      line.emit('STOP');
      watching.unsubscribe();
    }
    expect(client.stats.listeners).toBe(1);
    await client.close();
  });

  it('goes on while an observer of messages$ or events$ disconnects, connects or executes', async () => {
    const { client, line, wire } = await connected();
    const results: Promise<unknown>[] = [];
    const watching = client.messages$.subscribe(() => {
      watching.unsubscribe();
      results.push(client.execute('query-status'));
      void client.disconnect();
      results.push(client.connect());
    });
    line.receive(event('STOP') + event('STOP'));
    await expect(results[0]).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    (await wire.line(2)).handshake();
    await expect(results[1]).resolves.toHaveProperty('QMP');
    await client.close();
  });
});
