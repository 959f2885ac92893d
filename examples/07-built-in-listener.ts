// The built-in listener: `client.events` hears everything from the first moment, nobody has to register it.
// → STOP
// → RESUME
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;

await client.execute('stop');
await client.execute('cont');

for await (const event of client.events) {
  console.log(event.event);
  if (event.event === 'RESUME') break;
}
