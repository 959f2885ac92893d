// One name: a listener hears the events it names and nothing else.
// → STOP
// → 0 unread: RESUME passed it by
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using stops = client.listener('STOP'); // listen before you send

await client.execute('stop');
await client.execute('cont');

console.log((await stops.get()).event);
console.log(`${stops.size} unread: RESUME passed it by`);
