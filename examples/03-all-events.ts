// All events: without a name a listener hears everything; the name of an event tells what its data is.
// → STOP
// → RESUME
// → job hello: created
import { launch } from 'rx-qmp/node';
import { runBackup } from './support/backup.js';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
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
