// Clearing: forget what came before, so that the next read is about what you do now. What is discarded is returned.
// → discarded: STOP RESUME
// → STOP
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('cont');
console.log('discarded:', ...listener.clear().map(({ event }) => event));

await client.execute('stop');
console.log((await listener.get()).event);
await client.execute('cont');
