// Parameterised filters: a function that makes the filter, here for one job.
// → one: created to null
// → two: created to null
import type { EventFilter } from 'rx-qmp';
import { launch } from 'rx-qmp/node';
import { runBackup } from './support/backup.js';

function ofJob(id: string): EventFilter<'JOB_STATUS_CHANGE'> {
  return ({ data }) => data.id === id;
}

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using one = client.listener('JOB_STATUS_CHANGE', ofJob('one')); // listen before you send
using two = client.listener('JOB_STATUS_CHANGE', ofJob('two'));

await runBackup(client, 'one');
await runBackup(client, 'two');

for (const { history } of [one, two]) {
  console.log(`${history[0]?.data.id}: ${history[0]?.data.status} to ${history.at(-1)?.data.status}`);
}
