import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient, type QmpEvent } from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';

/** What a real QEMU 7.2 said while it was migrated: one migration was cancelled, one reached nobody, one lost its peer, one completed. */
const recorded = readFileSync(join(__dirname, '../fixtures/qemu-7.2-migration.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Record<string, unknown>);

const shape = ({ event, data }: Pick<QmpEvent, 'event' | 'data'>): unknown => ({ event, data });

/** The events of each migration there, from its `setup` on. The double makes no MIGRATION_PASS. */
function recordedMigrations(): unknown[][] {
  const migrations: unknown[][] = [];
  for (const message of recorded) {
    const { event, data } = message as unknown as QmpEvent;
    if (event !== 'MIGRATION' && event !== 'STOP') continue;
    if ((data as { status?: string } | undefined)?.status === 'setup') migrations.push([]);
    migrations.at(-1)?.push(shape({ event, data }));
  }
  return migrations;
}

/** What `query-migrate` answered after each failure. */
function recordedFailures(): unknown[] {
  return recorded.flatMap(({ return: answer }) =>
    (answer as { status?: string } | undefined)?.status === 'failed' ? [answer] : [],
  );
}

describe('the migration of a FakeQemu', () => {
  let fake: FakeQemu;
  let client: QmpClient;

  beforeEach(async () => {
    fake = new FakeQemu();
    client = new QmpClient(fake.connector);
    await client.connect();
    await client.execute('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });
  });
  afterEach(() => client.close());

  const begin = (): Promise<unknown> => client.execute('migrate', { uri: 'unix:/tmp/migration' });

  it('emits what one of QEMU 7.2 emits that is cancelled', async () => {
    await begin();
    await client.execute('migrate_cancel');
    expect(client.events.history.map(shape)).toEqual(recordedMigrations()[0]);
  });

  it('emits and answers what one of QEMU 7.2 does that reaches nobody', async () => {
    fake.migration.reachNobody();
    await begin();
    expect(client.events.history.map(shape)).toEqual(recordedMigrations()[1]);
    expect(await client.execute('query-migrate')).toEqual(recordedFailures()[0]);
  });

  it('emits and answers what one of QEMU 7.2 does that loses its peer', async () => {
    await begin();
    fake.migration.fail('Unable to write to command: Broken pipe');
    expect(client.events.history.map(shape)).toEqual(recordedMigrations()[2]);
    expect(await client.execute('query-migrate')).toEqual(recordedFailures()[1]);
  });

  it('reaches somebody again after one that has failed', async () => {
    fake.migration.reachNobody();
    await begin();
    await begin();
    expect(fake.migration.status).toBe('active');
  });

  it('emits what one of QEMU 7.2 emits that completes', async () => {
    await begin();
    fake.migration.complete();
    expect(client.events.history.map(shape)).toEqual(recordedMigrations()[3]);
  });

  it('leaves the VM in the status that QEMU 7.2 leaves it in, from which it can be resumed', async () => {
    const statuses = recorded.flatMap((message) => {
      const { status, running } = (message['return'] ?? {}) as { status?: string; running?: boolean };
      return running === undefined ? [] : [status];
    });
    await begin();
    const seen: unknown[] = [(await client.execute('query-status')).status];
    fake.migration.complete();
    seen.push((await client.execute('query-status')).status);
    await client.execute('cont');
    seen.push((await client.execute('query-status')).status);
    expect(seen).toEqual(statuses.slice(-3));
    expect(seen).toEqual(['running', 'postmigrate', 'running']);
  });
});
