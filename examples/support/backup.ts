// No example itself: a short job for the examples that need one, on two empty disks that are gone afterwards.
import { lastValueFrom } from 'rxjs';
import { followJob, type QmpClient } from 'rx-qmp';

/** Runs a backup job with this id and resolves when it is over. */
export async function runBackup(client: QmpClient, id: string): Promise<void> {
  const [device, target] = [`${id}-from`, `${id}-to`];
  for (const node of [device, target]) {
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': node, size: 65_536 });
  }
  const start = () => client.execute('blockdev-backup', { 'job-id': id, device, target, sync: 'full' });
  await lastValueFrom(followJob(client, id, start));
  for (const node of [device, target]) await client.execute('blockdev-del', { 'node-name': node });
}
