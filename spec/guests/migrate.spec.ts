import { join } from 'node:path';
import { lastValueFrom, take, toArray } from 'rxjs';
import { migrate, waitForGuest, type MigrationProgress, type QmpClient } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { describeGuest } from './guest-files.js';
import { startGuest, type Guest } from './start-guest.js';

describeGuest('migrate, with a running guest', () => {
  let source: Guest;
  let target: Guest;
  let from: QmpClient;
  let to: QmpClient;

  beforeAll(async () => {
    [source, target] = await Promise.all([startGuest(), startGuest({ args: ['-incoming', 'defer'] })]);
    [from, to] = await Promise.all([connect(source.address), connect(target.address)]);
    await waitForGuest(from, 'qga');
    await source.ready();
  });
  afterAll(async () => {
    await Promise.all([from.close(), to.close()]);
    await Promise.all([source.kill(), target.kill()]);
  });
  afterEach(() => {
    expect([from.listeners.length, to.listeners.length]).toEqual([1, 1]);
  });

  const states = (all: readonly MigrationProgress[]): string[] => [...new Set(all.map(({ status }) => status))];
  const enabled = async (client: QmpClient): Promise<string[]> =>
    (await client.execute('query-migrate-capabilities'))
      .filter(({ state }) => state)
      .map(({ capability }) => capability);

  it('fails with the words of QEMU where nobody waits', async () => {
    const before = await enabled(from);
    await expect(lastValueFrom(migrate(from, { uri: 'unix:/no/such/socket' }))).rejects.toMatchObject({
      name: 'MigrationError',
      status: 'failed',
      desc: expect.stringContaining('/no/such/socket') as string,
    });
    await expect(lastValueFrom(migrate(from, { uri: 'nonsense' }))).rejects.toMatchObject({ name: 'ExecuteError' });
    expect(await enabled(from)).toEqual(before);
  });

  it('is cancelled by unsubscribing, and the VM runs on', async () => {
    const before = await enabled(from);
    const parameters = { 'max-bandwidth': 100_000 };
    await lastValueFrom(migrate(from, { uri: 'exec:cat >/dev/null', parameters, pollInterval: 50 }).pipe(take(3)));
    const status = async (): Promise<unknown> => (await from.execute('query-migrate')).status;
    while ((await status()) !== 'cancelled') await new Promise((resolve) => setTimeout(resolve, 20));
    while ((await enabled(from)).includes('events')) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await enabled(from)).toEqual(before);
    expect(await from.execute('query-status')).toMatchObject({ running: true });
  });

  it('is refused while another client migrates the VM', async () => {
    const slow = migrate(from, { uri: 'exec:cat >/dev/null', parameters: { 'max-bandwidth': 100_000 } });
    const first = lastValueFrom(slow.pipe(toArray()));
    const failed = expect(first).rejects.toMatchObject({ name: 'MigrationError', status: 'cancelled' });
    while ((await from.execute('query-migrate')).status !== 'active') await new Promise((r) => setTimeout(r, 20));
    await expect(lastValueFrom(migrate(from, { uri: 'exec:cat >/dev/null' }))).rejects.toMatchObject({
      name: 'ExecuteError',
    });
    await from.execute('migrate_cancel');
    await failed;
  });

  it('moves it, tells its progress, and ends when it runs there', async () => {
    await source.serial.run('echo moved > /tmp/note');
    const uri = `unix:${join(source.folder, 'migration')}`;
    const seen = await lastValueFrom(
      migrate(from, { uri, destination: to, parameters: { 'max-bandwidth': 1_073_741_824 }, pollInterval: 50 }).pipe(
        toArray(),
      ),
    );
    expect(states(seen)).toEqual(expect.arrayContaining(['active', 'completed']));
    expect(seen.at(-1)).toMatchObject({
      status: 'completed',
      ram: { remaining: 0 },
      downtime: expect.any(Number) as number,
    });
    expect(await to.execute('query-status')).toMatchObject({ running: true });
    expect(await from.execute('query-status')).toMatchObject({ status: 'postmigrate' });
    expect(await target.serial.run('cat /tmp/note')).toBe('moved');
    expect([await enabled(from), await enabled(to)].flat()).not.toContain('events');
  });
});
