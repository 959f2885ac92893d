// Several existing listeners: all are registered or none, and leaving the scope removes them all.
// → STOP, RESUME
// → registered after the scope: false false
import { EventListener } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
const stops = new EventListener('STOP');
const resumes = new EventListener('RESUME');

const scope = client.listen(stops, resumes); // listen before you send
try {
  await client.execute('stop');
  await client.execute('cont');
  console.log(`${(await stops.get()).event}, ${(await resumes.get()).event}`);
} finally {
  scope.close(); // or `using scope = …`
}

console.log(`registered after the scope: ${client.listeners.includes(stops)} ${client.listeners.includes(resumes)}`);
