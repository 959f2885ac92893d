import { createConnection } from 'node:net';
import { once } from 'node:events';
import { join, dirname } from 'node:path';
import { QmpClient, type Connection, type Connector, type EventListener } from 'rx-qmp';
import { address, connect } from 'rx-qmp/node';
import { namesIn } from '../support/bus-events.js';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { collect } from '../support/wire.js';

/** Reads until the names have come, in this order, others in between allowed; fails after the test's time. */
async function heard(listener: EventListener, ...names: string[]): Promise<void> {
  const left = [...names];
  while (left.length > 0) if ((await listener.get()).event === left[0]) left.shift();
}

describeQemu('a real QEMU', () => {
  let qemu: Qemu;
  let client: QmpClient;

  beforeAll(async () => {
    qemu = await startQemu(['-S', '-qmp', 'unix:second,server=on,wait=off']);
  });
  afterAll(() => qemu.stop());
  beforeEach(async () => {
    client = await connect(qemu.address);
  });
  afterEach(() => client.close());

  it('sends the event before the reply of the command that caused it (fact 1, row 38)', async () => {
    const order: string[] = [];
    client.messages$.subscribe((message) => order.push('event' in message ? message.event : 'reply'));
    for (const [command, event] of [
      ['cont', 'RESUME'],
      ['stop', 'STOP'],
      ['system_reset', 'RESET'],
    ] as const) {
      const listener = client.listener(event);
      await client.execute(command);
      if (command !== 'system_reset') expect(namesIn(listener.clear())).toEqual([event]);
      listener.close();
    }
    expect(order.slice(0, 4)).toEqual(['RESUME', 'reply', 'STOP', 'reply']);
  });

  it('sends nothing before qmp_capabilities, and keeps nothing for later (fact 3)', async () => {
    const socket = createConnection(join(dirname(qemu.path), 'second'));
    socket.setEncoding('utf8');
    const greeting = (await once(socket, 'data')) as string[];
    expect(greeting[0]).toContain('"QMP"');
    await client.execute('cont');
    await client.execute('stop');
    socket.write('{"execute":"qmp_capabilities","id":"first"}');
    const next = (await once(socket, 'data')) as string[];
    expect(next[0]).toBe('{"return": {}, "id": "first"}\r\n');
    socket.destroy();
  });

  it('keeps the session through events that nobody reads, in a bounded window (fact 4, govmm#82, OpenXT#1296)', async () => {
    for (let count = 0; count < 400; count += 1) await Promise.all([client.execute('cont'), client.execute('stop')]);
    expect([client.events.size, client.events.history.length]).toEqual([Math.min(800, 1_000), 800]);
    for (let count = 0; count < 200; count += 1) await Promise.all([client.execute('cont'), client.execute('stop')]);
    expect([client.events.size, client.events.dropped > 0]).toEqual([1_000, true]);
    expect(await client.execute('query-status')).toMatchObject({ running: false });
  });

  it('answers 200 commands in flight at once, 8 of them on the wire (fact 7, C3)', async () => {
    expect(client.greeting?.QMP.capabilities).toContain('oob');
    const results = await Promise.all(Array.from({ length: 200 }, () => client.execute('query-status')));
    expect(new Set(results.map(({ status }) => status)).size).toBe(1);
  });

  it('runs out of band what allows it, and refuses the rest (fact 7, row 53)', async () => {
    expect(await client.execute('query-yank', undefined, { oob: true })).toContainEqual({
      type: 'chardev',
      id: 'compat_monitor0',
    });
    await expect(client.execute('query-status', undefined, { oob: true as false })).rejects.toMatchObject({
      name: 'ExecuteError',
      command: 'query-status',
    });
  });

  it('answers query-qmp-schema with one line of 200 kB (fact 8, go-qemu#159)', async () => {
    const before = client.stats.bytes;
    expect((await client.execute('query-qmp-schema')).length).toBeGreaterThan(500);
    expect(client.stats.bytes - before).toBeGreaterThan(200_000);
  });

  it('answers what it cannot parse with an error without id; the session lives on (fact 9, C5)', async () => {
    let opened: Connection | undefined;
    const open = address(qemu.address);
    const spying: Connector = async (signal) => (opened = await open(signal));
    await client.disconnect();
    const other = new QmpClient(spying);
    await other.connect();
    const diagnostics = collect(other.diagnostics$);
    const told = new Promise((resolve) => other.diagnostics$.subscribe(resolve));
    opened?.send('{"execute": "query-status", "arguments": {"a": [1,,2]}, "id": 99}\n');
    await told;
    expect(diagnostics[0]).toMatchObject({ kind: 'error-without-id' });
    expect(await other.execute('query-status')).toHaveProperty('status');
    await other.close();
  });

  it('takes exactly what execute lets pass: nesting, non-characters, surrogates, control characters (C5)', async () => {
    const nested = (depth: number): unknown[] => (depth === 0 ? [] : [nested(depth - 1)]);
    for (const value of [nested(999), '\0\u0001\u007f\u2028\uFEFF', '😀', -0, 1e300, 2n ** 200n, { '': 1 }]) {
      // It refuses the argument, not the syntax: then it would not say which command it was.
      await expect(client.execute('query-status', { x: value } as never)).rejects.toMatchObject({
        name: 'ExecuteError',
        desc: "Parameter 'x' is unexpected",
      });
    }
    expect(client.stats.faults).toBe(0);
  });

  it('returns "" for a silent human-monitor-command (fact 11)', async () => {
    expect(await client.execute('human-monitor-command', { 'command-line': 'cont' })).toBe('');
    await client.execute('stop');
  });

  it('gives integers beyond 2^53 exactly on request, both ways; else it says that it rounded (C6, row 51)', async () => {
    const size = 2n ** 62n + 512n;
    await client.disconnect();
    const exact = await connect(qemu.address, { integers: 'exact' });
    await exact.execute('blockdev-add', { driver: 'null-co', 'node-name': 'big', size: size as never });
    const [node] = await exact.execute('query-named-block-nodes');
    expect(node?.image['virtual-size']).toBe(size);
    await exact.close();
    await client.connect();
    const diagnostics = collect(client.diagnostics$);
    const [rounded] = await client.execute('query-named-block-nodes');
    expect(rounded?.image['virtual-size']).toBe(2 ** 62);
    expect(diagnostics).toMatchObject([{ kind: 'rounded-integer' }]);
    expect(diagnostics[0]?.message).toContain(String(size));
    await client.execute('blockdev-del', { 'node-name': 'big' });
  });

  it('goes through the whole life of a job, first event to null, in one listener (fact 1)', async () => {
    for (const name of ['source', 'target']) {
      await client.execute('blockdev-add', {
        driver: 'null-co',
        'node-name': name,
        size: 1 << 20,
        'read-zeroes': true,
      });
    }
    const statuses: string[] = [];
    const jobs = client.listener('JOB_STATUS_CHANGE', (event) => event.data.id === 'copy');
    await client.execute('blockdev-backup', { 'job-id': 'copy', device: 'source', target: 'target', sync: 'full' });
    for await (const { data } of jobs) {
      statuses.push(data.status);
      if (data.status === 'null') break;
    }
    expect([statuses[0], statuses.at(-1)]).toEqual(['created', 'null']);
    expect(statuses).toContain('concluded');
    for (const name of ['source', 'target']) await client.execute('blockdev-del', { 'node-name': name });
  });

  it('runs commands from inside the handling of events without a deadlock (row 36, incus#448, kubevirt#4253)', async () => {
    const statuses: Promise<unknown>[] = [];
    client.observe('STOP').subscribe(() => statuses.push(client.execute('query-status')));
    await client.execute('cont');
    await client.execute('stop');
    expect(statuses).toHaveLength(1);
    expect(await statuses[0]).toMatchObject({ status: 'paused' });
  });

  it('waits for the reply and the event in either order (go-qemu#158, incus#3201, ganeti#1749)', async () => {
    const stops = client.listener('STOP');
    await client.execute('cont');
    const [, event] = await Promise.all([client.execute('stop'), stops.get()]);
    expect(event.event).toBe('STOP');
    await client.execute('cont');
    await client.execute('stop');
    expect((await stops.get({ timeout: 1_000 })).event).toBe('STOP');
  });

  it('is waited for by several names (ganeti#1823)', async () => {
    const either = client.listener(['STOP', 'RESUME']);
    await client.execute('cont');
    await client.execute('stop');
    expect(namesIn([await either.get(), await either.get()])).toEqual(['RESUME', 'STOP']);
  });

  it('hears a second monitor of the same QEMU alike: events go to all, replies to one', async () => {
    const second = await connect(`unix:${join(dirname(qemu.path), 'second')}`);
    await client.execute('cont');
    await client.execute('stop');
    await heard(second.events, 'RESUME', 'STOP');
    expect(second.stats.replies).toBe(1);
    await second.close();
  });
});

describeQemu('device_del on a real QEMU', () => {
  it('gives two DEVICE_DELETED; a filter tells the one waited for from one left over (fact 10, AutoHCK#1112)', async () => {
    const qemu = await startQemu([
      ...['-machine', 'pc,accel=tcg', '-m', '64', '-S', '-device', 'qemu-xhci,id=usb'],
      ...['-blockdev', 'null-co,node-name=disk', '-device', 'usb-storage,bus=usb.0,drive=disk,id=stick'],
    ]);
    const client = await connect(qemu.address);
    const all = client.listener('DEVICE_DELETED');
    const mine = client.listener('DEVICE_DELETED', (event) => event.data.device === 'stick');
    await client.execute('device_del', { id: 'stick' });
    expect((await mine.get()).data.device).toBe('stick');
    const deleted = all.clear().map((event) => event.data.device);
    expect(deleted).toHaveLength(2);
    expect(deleted).toContain('stick');
    await client.close();
    await qemu.stop();
  });
});
