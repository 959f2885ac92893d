// Concurrent reading: one part of the program reads while another sends; an AbortSignal ends the reading.
// → heard STOP
// → heard RESUME
// → the reading ended: enough
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
using listener = client.listener(['STOP', 'RESUME']);
const done = new AbortController();

async function read(): Promise<void> {
  for await (const event of listener.iterate({ signal: done.signal })) console.log(`heard ${event.event}`);
}

const reading = read(); // listen before you send
await client.execute('stop');
await client.execute('cont');

done.abort('enough');
await reading.catch((reason: unknown) => {
  console.log(`the reading ended: ${String(reason)}`);
});
