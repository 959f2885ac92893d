// With a guest, a backup: followJobs() follows the jobs of one transaction, which copies all disks as they were at one moment.
// → system: 16777216 of 16777216 bytes
// → data: 16777216 of 16777216 bytes
// → the guest is running
import { lastValueFrom, scan } from 'rxjs';
import { followJobs, type JobProgress } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
const disks = ['system', 'data'];
for (const disk of disks) {
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': `${disk}-copy`, size: 16_777_216 });
}

const actions = disks.map((disk) => {
  const data = { 'job-id': disk, device: disk, target: `${disk}-copy`, sync: 'full' } as const;
  return { type: 'blockdev-backup', data } as const;
});
const progress$ = followJobs(client, disks, () => client.execute('transaction', { actions }));
const ends = await lastValueFrom(
  progress$.pipe(scan((all, job) => all.set(job.id, job), new Map<string, JobProgress>())),
);
for (const disk of disks) {
  const end = ends.get(disk);
  console.log(`${disk}: ${end?.current} of ${end?.total} bytes`);
  await client.execute('blockdev-del', { 'node-name': `${disk}-copy` });
}
console.log(`the guest is ${(await client.execute('query-status')).status}`);
