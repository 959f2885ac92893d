// A pipeline: RxJS operators on the events, here how long the VM stood still each time.
// → down for … ms
// → down for … ms
import { filter, map, pairwise } from 'rxjs';
import { timeOf } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;

const downtimes$ = client.observe(['STOP', 'RESUME']).pipe(
  pairwise(),
  filter(([before, after]) => before.event === 'STOP' && after.event === 'RESUME'),
  map(([stop, resume]) => timeOf(resume).getTime() - timeOf(stop).getTime()),
);

downtimes$.subscribe((ms) => {
  console.log(`down for ${ms} ms`);
}); // listen before you send
await client.execute('stop');
await client.execute('cont');
await client.execute('stop');
await client.execute('cont');
