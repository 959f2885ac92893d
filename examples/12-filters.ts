// Filters: asked only about events whose name matches, so the type of their data is known.
// → one is concluded
// → two is concluded
import { launch } from 'rx-qmp/node';
import { runBackup } from './support/backup.js';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using ends = client.listener('JOB_STATUS_CHANGE', ({ data }) => data.status === 'concluded'); // listen before you send

await runBackup(client, 'one');
await runBackup(client, 'two');

for (const { data } of ends.clear()) console.log(`${data.id} is ${data.status}`);
