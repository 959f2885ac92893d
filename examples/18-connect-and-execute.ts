// Connect and execute: the first program of the README.
// → the VM is running
// → STOP …
// → RESUME …
import { connect } from 'rx-qmp/node';

const client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
client.observe(['STOP', 'RESUME']).subscribe((event) => {
  console.log(event.event, event.timestamp.seconds);
}); // listen before you send

const { status } = await client.execute('query-status');
console.log(`the VM is ${status}`);
await client.execute('stop');
await client.execute('cont');
await client.close();
