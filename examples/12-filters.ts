// Filters: asked only about events whose name matches, so the type of their data is known.
// → one is concluded
// → two is concluded
import { connect } from 'rx-qmp/node';
import { runBackup } from './support/backup.js';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
using ends = client.listener('JOB_STATUS_CHANGE', ({ data }) => data.status === 'concluded'); // listen before you send

await runBackup(client, 'one');
await runBackup(client, 'two');

for (const { data } of ends.clear()) console.log(`${data.id} is ${data.status}`);
