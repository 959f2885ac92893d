// Several names: one listener, one queue, in the order the events came.
// → STOP
// → RESUME
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('cont');

console.log((await listener.get()).event);
console.log((await listener.get()).event);
