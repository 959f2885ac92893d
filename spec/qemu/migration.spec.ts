import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { BehaviorSubject, filter, firstValueFrom, lastValueFrom, tap } from 'rxjs';
import { migrate, type QmpClient } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { describeQemu, spawnQemu, type Qemu } from '../support/qemu.js';

const MACHINE = ['-machine', 'q35,accel=tcg', '-m', '64', '-display', 'none', '-nodefaults', '-no-user-config'];

/** The destination of a postcopy needs `userfaultfd`, which Linux grants to root, and to others where it is told to. */
function grantsUserfaultfd(): boolean {
  try {
    return process.getuid?.() === 0 || readFileSync('/proc/sys/vm/unprivileged_userfaultfd', 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

describeQemu('migrate, between two QEMUs', () => {
  let qemus: Qemu[];
  let source: QmpClient;
  let destination: QmpClient;

  beforeEach(async () => {
    qemus = await Promise.all([spawnQemu(MACHINE), spawnQemu([...MACHINE, '-incoming', 'defer'])]);
    const [from, to] = qemus.map(({ address }) => connect(address));
    source = (await from) as QmpClient;
    destination = (await to) as QmpClient;
  });
  afterEach(async () => {
    await Promise.all([source.close(), destination.close()]);
    await Promise.all(qemus.map((qemu) => qemu.kill()));
  });

  const enabled = async (client: QmpClient): Promise<string[]> =>
    (await client.execute('query-migrate-capabilities'))
      .filter(({ state }) => state)
      .map(({ capability }) => capability);

  const postcopy = grantsUserfaultfd() ? it : it.skip;
  if (!grantsUserfaultfd()) process.stderr.write('SKIPPED, userfaultfd is for root here: migrate by postcopy\n');

  postcopy('goes over to postcopy, tells that it is paused, and completes once it was recovered', async () => {
    const uri = (name: string): string => `unix:${join(qemus[0]?.folder ?? '', name)}`;
    const status = new BehaviorSubject('none');
    const slowly = { 'max-bandwidth': 400_000, 'max-postcopy-bandwidth': 400_000 };
    const done = lastValueFrom(
      migrate(source, {
        uri: uri('one'),
        destination,
        capabilities: { 'postcopy-ram': true },
        parameters: slowly,
        pollInterval: 50,
      }).pipe(
        tap((progress) => {
          status.next(progress.status);
        }),
      ),
    );
    const reaches = (wanted: string): Promise<unknown> =>
      Promise.race([firstValueFrom(status.pipe(filter((now) => now === wanted))), done]);
    const destinationReaches = (wanted: string): Promise<unknown> =>
      Promise.race([firstValueFrom(destination.observe('MIGRATION', ({ data }) => data.status === wanted)), done]);

    await reaches('active');
    // A destination that is cut off before it has read the state of the devices is lost.
    const runsThere = firstValueFrom(destination.observe('RESUME'));
    const inPostcopy = reaches('postcopy-active');
    await source.execute('migrate-start-postcopy');
    await Promise.all([inPostcopy, runsThere]);
    const bothPaused = Promise.all([reaches('postcopy-paused'), destinationReaches('postcopy-paused')]);
    await source.execute('migrate-pause', undefined, { oob: true });
    await bothPaused;
    await destination.execute('migrate-recover', { uri: uri('two') }, { oob: true });
    await source.execute('migrate-set-parameters', { 'max-postcopy-bandwidth': 1_073_741_824 });
    await source.execute('migrate', { uri: uri('two'), resume: true });

    expect(await done).toMatchObject({ status: 'completed', ram: { remaining: 0 } });
    expect(await destination.execute('query-status')).toMatchObject({ running: true });
    expect(await source.execute('query-status')).toMatchObject({ status: 'postmigrate' });
    while ((await enabled(destination)).length > 0) await setTimeout(20);
    expect(await enabled(source)).toEqual([]);
  });

  postcopy('leaves a VM that is at the destination already: unsubscribed in postcopy it goes on (T1)', async () => {
    const uri = `unix:${join(qemus[0]?.folder ?? '', 'one')}`;
    const parameters = { 'max-bandwidth': 400_000, 'max-postcopy-bandwidth': 400_000 };
    const following = migrate(source, { uri, destination, capabilities: { 'postcopy-ram': true }, parameters });
    const arrived = firstValueFrom(destination.observe('MIGRATION', ({ data }) => data.status === 'completed'));
    await firstValueFrom(
      following.pipe(
        tap(({ status }) => {
          if (status === 'active') source.execute('migrate-start-postcopy').catch(() => undefined);
        }),
        filter(({ status }) => status === 'postcopy-active'),
      ),
    );
    await source.execute('migrate-set-parameters', { 'max-postcopy-bandwidth': 1_073_741_824 });
    await arrived;
    expect(await destination.execute('query-status')).toMatchObject({ running: true });
    while ((await enabled(destination)).length > 0) await setTimeout(20);
  });

  // QEMU has taken channels since 8.2. Where it does not, it says what it wants instead.
  it('fails in the words of a QEMU that knows no channels', async () => {
    const channel = { 'channel-type': 'main', addr: { transport: 'socket', type: 'unix', path: '/tmp/x' } } as const;
    const { major, minor } = (await source.execute('query-version')).qemu;
    const before = await enabled(source);
    const failed = lastValueFrom(migrate(source, { channels: [channel] }));
    const knowsChannels = major * 100 + minor >= 802;
    await expect(failed).rejects.toMatchObject(
      knowsChannels ? { name: 'MigrationError' } : { name: 'ExecuteError', desc: "Parameter 'uri' is missing" },
    );
    expect(await enabled(source)).toEqual(before);
  });
});
