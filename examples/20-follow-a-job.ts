// Following a job: followJob() starts it, tells how far it is, and fails where the job fails or cannot start.
// → concluded, 65536 of 65536 bytes
// → ExecuteError: there is no such disk
import { lastValueFrom } from 'rxjs';
import { ExecuteError, followJob } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
const disks = ['example-from', 'example-to'];
for (const disk of disks) {
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': disk, size: 65_536 });
}

// It listens before it starts: a short job is over before QEMU replies.
const copy = (device: string) =>
  followJob(client, 'copy', () =>
    client.execute('blockdev-backup', { 'job-id': 'copy', device, target: 'example-to', sync: 'full' }),
  );

const end = await lastValueFrom(copy('example-from'));
console.log(`${end.status}, ${end.current} of ${end.total} bytes`);

await lastValueFrom(copy('no-such-disk')).catch((error: unknown) => {
  if (!(error instanceof ExecuteError)) throw error;
  console.log(`${error.name}: there is no such disk`);
});
for (const disk of disks) await client.execute('blockdev-del', { 'node-name': disk });
