import { QmpClient } from 'rx-qmp';
import { connected, unlisted, Wire } from '../support/wire.js';
import { liveHeap } from '../torture/heap.js';

const MEBIBYTE = 1024 * 1024;

/** An event as QEMU writes it, blanks included. */
function qemuEvent(name: string, member: string): string {
  return `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "${name}", "data": {"${member}": 1}}\r\n`;
}

describe('bounds of a client', () => {
  it('10,000 commands without a reply, those that timed out included: the next is refused until one is answered', async () => {
    const { client, line, wire } = await connected();
    const options = { timeout: 1 };
    const timedOut = Array.from({ length: 10_000 }, () => client.execute('query-name', undefined, options));
    for (const one of await Promise.allSettled(timedOut)) expect(one).toMatchObject({ status: 'rejected' });
    expect(client.stats.pending).toBe(10_000);
    await expect(client.execute('query-name')).rejects.toMatchObject({
      name: 'StateError',
      message:
        'wire: query-name: 10000 commands are unanswered already; await the replies; if the server gives none, disconnect() and connect()',
    });
    line.reply({}, line.sent[1]);
    const taken = client.execute('query-name');
    line.reply({ name: 'vm1' });
    expect(await taken).toEqual({ name: 'vm1' });
    await client.disconnect();
    const again = client.connect();
    (await wire.line(2)).handshake();
    await again;
    expect(client.stats.pending).toBe(0);
    await client.close();
  });

  it('of a command that timed out nothing is kept but its id: a server that never answers costs no memory', async () => {
    const { client, line } = await connected();
    const before = liveHeap();
    for (let count = 0; count < 50; count += 1) {
      const args = { text: `${count}`.padEnd(MEBIBYTE) };
      await expect(client.execute(unlisted('x-big'), args, { timeout: 1 })).rejects.toThrow('no reply within 1 ms');
      line.sent.length = 0;
    }
    expect(client.stats.pending).toBe(50);
    expect(liveHeap() - before).toBeLessThan(10 * MEBIBYTE);
    await client.close();
  });

  it('64 Mi characters of commands that wait for their turn: the next is refused until one is sent', async () => {
    const { client, line } = await connected({}, 'oob');
    const args = { text: 'x'.repeat(4 * MEBIBYTE) };
    const run = (): Promise<unknown> => client.execute(unlisted('x-big'), args);
    const results = Array.from({ length: 8 + 16 }, run);
    expect(line.sent).toHaveLength(1 + 8);
    await expect(run()).rejects.toMatchObject({
      name: 'StateError',
      message: expect.stringMatching(
        /^wire: x-big: 16 commands of 6710\d{4} characters wait for their turn already; await the replies/,
      ) as string,
    });
    line.reply({}, line.sent[1]);
    results.push(run());
    expect(client.stats.pending).toBe(8 + 16);
    await client.close();
    const [first, ...others] = await Promise.allSettled(results);
    expect(first).toMatchObject({ status: 'fulfilled' });
    for (const one of others) expect(one).toMatchObject({ reason: { name: 'ExecInterruptedError' } });
  });

  it('10,000 waiting calls of connect(): the next is refused, the others are served', async () => {
    const wire = new Wire();
    const client = new QmpClient(wire.connector);
    const calls = Array.from({ length: 10_000 }, () => client.connect());
    await expect(client.connect()).rejects.toMatchObject({
      name: 'ConnectError',
      message:
        'cannot connect: wire: 10000 calls of connect() are waiting already; is one made in a loop without await?',
      cause: { name: 'StateError' },
    });
    (await wire.line(1)).handshake();
    expect(new Set(await Promise.all(calls)).size).toBe(1);
    await client.close();
  });

  it.each<[string, (event: string) => string]>([
    ['as QEMU writes events', (event) => event],
    ['as others write them', (event) => event.replaceAll(' ', '')],
  ])('names that a server makes up, of events and of what is in them, are not remembered: %s', async (_how, write) => {
    const { client, line } = await connected({ events: { queueLimit: 10, historyLimit: 10 } });
    const stops = client.listener('STOP');
    const send = (turn: number): void => {
      const events = Array.from({ length: 100 }, (_item, at) => qemuEvent(`MADE_UP_${turn}_${at}`, `m${turn}_${at}`));
      line.receive(Buffer.from(write(events.join(''))));
    };
    for (let turn = 0; turn < 100; turn += 1) send(turn);
    const before = liveHeap();
    for (let turn = 100; turn < 2_100; turn += 1) send(turn);
    // Of 200,000 names, 26 bytes each would be more.
    expect(liveHeap() - before).toBeLessThan(5 * MEBIBYTE);
    expect(client.stats.events).toBe(210_000);
    line.emit('STOP');
    expect(stops.size).toBe(1);
    await client.close();
  });

  it('a name of any length: an event above 64 KiB is a diagnostic, and the session goes on (C5)', async () => {
    const { client, line } = await connected({ logger: { debug: () => undefined, warn: () => undefined } });
    const kinds: string[] = [];
    client.diagnostics$.subscribe(({ kind }) => kinds.push(kind));
    const before = process.memoryUsage().arrayBuffers;
    for (let turn = 0; turn < 200; turn += 1) line.receive(Buffer.from(qemuEvent(`${turn}`.padEnd(200_000, 'x'), 'm')));
    expect(new Set(kinds)).toEqual(new Set(['event-too-large']));
    expect(client.stats.faults).toBe(200);
    expect(client.state.phase).toBe('ready');
    liveHeap();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * MEBIBYTE);
    await client.close();
  });
});
