// Running a job: runJob() is followJob() for who awaits the end; jobs$() lists all jobs, then each change.
// → a backup job is over
// → no job is left
import { firstValueFrom } from 'rxjs';
import { jobs$, runJob } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
for (const disk of ['from', 'to']) {
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': disk, size: 65_536 });
}

const { type } = await runJob(
  client,
  'copy',
  () =>
    client.execute('blockdev-backup', {
      ...{ 'job-id': 'copy', device: 'from', target: 'to', sync: 'full' },
      'auto-dismiss': false,
    }),
  { dismiss: true },
);
console.log(`a ${type} job is over`);

const jobs = await firstValueFrom(jobs$(client));
console.log(jobs.length === 0 ? 'no job is left' : jobs);
