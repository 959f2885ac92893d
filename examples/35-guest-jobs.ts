// With a guest, jobs of somebody else: jobs$() lists what runs, followJob() joins one, and here cancels it by leaving.
// → nightly: running
// → joined: running, a backup
// → none is left
import { filter, firstValueFrom } from 'rxjs';
import { followJob, jobs$ } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'copy', size: 16_777_216 });
const slow = { 'job-id': 'nightly', device: 'system', target: 'copy', sync: 'full', speed: 65_536 } as const;
await client.execute('blockdev-backup', slow);

const [job] = await firstValueFrom(jobs$(client));
console.log(`${job?.id}: ${job?.status}`);

const joined = await firstValueFrom(followJob(client, 'nightly', null, { onUnsubscribe: 'cancel' }));
console.log(`joined: ${joined.status}, a ${joined.type}`);

await firstValueFrom(jobs$(client).pipe(filter((jobs) => jobs.length === 0)));
console.log('none is left');
await client.execute('blockdev-del', { 'node-name': 'copy' });
