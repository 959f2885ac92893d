// Mixing get() and iteration: both read the same queue, so each event is read once.
// → get: STOP
// → loop: RESUME
// → get again: STOP
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('cont');
await client.execute('stop');
await client.execute('cont');

console.log(`get: ${(await listener.get()).event}`);
for await (const event of listener) {
  console.log(`loop: ${event.event}`);
  break;
}
console.log(`get again: ${(await listener.get()).event}`);
