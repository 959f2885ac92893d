// One name: a listener hears the events it names and nothing else.
// → STOP
// → 0 unread: RESUME passed it by
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
using stops = client.listener('STOP'); // listen before you send

await client.execute('stop');
await client.execute('cont');

console.log((await stops.get()).event);
console.log(`${stops.size} unread: RESUME passed it by`);
