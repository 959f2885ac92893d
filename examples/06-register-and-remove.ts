// Register and remove: a listener of your own hears events between the two; removal returns what is unread.
// → unread when removed: STOP RESUME
// → heard in all: STOP RESUME
import { EventListener } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
const listener = new EventListener(['STOP', 'RESUME']);

client.registerListener(listener); // listen before you send
await client.execute('stop');
await client.execute('cont');
const unread = client.removeListener(listener);
await client.execute('stop'); // not heard any more
await client.execute('cont');

console.log('unread when removed:', ...unread.map(({ event }) => event));
console.log('heard in all:', ...listener.history.map(({ event }) => event));
