// With a guest, its run state: pause() and resume() resolve when it is so, eventAfter() gives the event that tells since when.
// → paused
// → running since …
import { eventAfter, pause, resume } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
const status = async () => (await client.execute('query-status')).status;

await pause(client);
await pause(client); // that it is so already is no error
console.log(await status());

const { timestamp } = await eventAfter(client, 'RESUME', () => resume(client));
console.log(`${await status()} since ${timestamp.seconds}`);
