// Several names: one listener, one queue, in the order the events came.
// → STOP
// → RESUME
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
using listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('cont');

console.log((await listener.get()).event);
console.log((await listener.get()).event);
