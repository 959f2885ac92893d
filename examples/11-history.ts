// History: the latest events a listener has accepted, read or not; it survives clear() and removal.
// → 0 unread
// → in the history: STOP RESUME
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
const listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('cont');
await listener.get();
listener.clear();
listener.close();

console.log(`${listener.size} unread`);
console.log('in the history:', ...listener.history.map(({ event }) => event));
