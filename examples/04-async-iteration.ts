// Async iteration: a loop takes the events as they come; leaving it closes nothing, a later loop goes on.
// → STOP
// → RESUME
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('cont');

for await (const event of listener) {
  console.log(event.event);
  if (event.event === 'RESUME') break;
}
