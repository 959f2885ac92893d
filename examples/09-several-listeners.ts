// Several listeners: each has a queue of its own, so reading one takes nothing from the other.
// → stops has 1, both has 2
// → stops has 0, both has 2
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using stops = client.listener('STOP'); // listen before you send
using both = client.listener(['STOP', 'RESUME']);

await client.execute('stop');
await client.execute('cont');

console.log(`stops has ${stops.size}, both has ${both.size}`);
await stops.get();
console.log(`stops has ${stops.size}, both has ${both.size}`);
