// With a guest, moving its disk: runJob() completes a mirror that has caught up; schemaOf() says which arguments QEMU takes.
// → the guest writes to: moved
// → and back: data
import { runJob, schemaOf } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
const schema = await schemaOf(client);
const copyMode = schema.has('blockdev-mirror', 'copy-mode') ? { 'copy-mode': 'write-blocking' as const } : {};

/** Moves what is on one block node to a new one, on which the guest goes on. */
async function move(from: string, to: string): Promise<void> {
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': to, size: 16_777_216, 'read-zeroes': true });
  const job = { 'job-id': 'move', device: from, target: to, sync: 'full', ...copyMode } as const;
  await runJob(client, 'move', () => client.execute('blockdev-mirror', job), { whenReady: 'complete' });
  await client.execute('blockdev-del', { 'node-name': from });
}
const nodes = async () => (await client.execute('query-block')).map(({ inserted }) => inserted?.['node-name']);

await move('data', 'moved');
console.log(`the guest writes to: ${(await nodes()).find((node) => node !== 'system')}`);
await move('moved', 'data');
console.log(`and back: ${(await nodes()).find((node) => node !== 'system')}`);
