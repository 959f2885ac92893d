// One existing listener: a scope registers it and removes it again; observe() does the same for a subscription.
// → in the scope: STOP
// → while subscribed: STOP
// → 2 in the history, registered: false
import { EventListener } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
const stops = new EventListener('STOP');

const scope = client.listen(stops); // listen before you send
await client.execute('stop');
console.log(`in the scope: ${(await stops.get()).event}`);
scope.close(); // or `using scope = …`
await client.execute('cont');

const subscription = client.observe(stops).subscribe(({ event }) => {
  console.log(`while subscribed: ${event}`);
});
await client.execute('stop');
subscription.unsubscribe();
await client.execute('cont');

console.log(`${stops.history.length} in the history, registered: ${client.listeners.includes(stops)}`);
