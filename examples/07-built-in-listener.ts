// The built-in listener: `client.events` hears everything from the first moment, nobody has to register it.
// → STOP
// → RESUME
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');

await client.execute('stop');
await client.execute('cont');

for await (const event of client.events) {
  console.log(event.event);
  if (event.event === 'RESUME') break;
}
