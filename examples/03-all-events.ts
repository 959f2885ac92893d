// All events: without a name a listener hears everything; the name of an event tells what its data is.
// → STOP
// → RESUME
// → job hello: created
import { connect } from 'rx-qmp/node';
import { runBackup } from './support/backup.js';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
using listener = client.listener(); // listen before you send

await client.execute('stop');
await client.execute('cont');
await runBackup(client, 'hello');

for await (const event of listener) {
  if (event.event !== 'JOB_STATUS_CHANGE') {
    console.log(event.event);
  } else {
    console.log(`job ${event.data.id}: ${event.data.status}`);
    break;
  }
}
