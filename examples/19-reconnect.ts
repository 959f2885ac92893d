// Reconnect: listeners stay registered through a gap, and gaps$ says when events may have been missed.
// → session 2, after a gap
// → from before the gap: STOP
// → RESUME
import { ExecInterruptedError } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

// The limit serves to lose the connection below: a longer message ends the session.
const options = { reconnect: true, maxMessageBytes: 100_000 };
await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp', options);
client.gaps$.subscribe(({ session }) => {
  console.log(`session ${session}, after a gap`);
});
using listener = client.listener(['STOP', 'RESUME']); // listen before you send

await client.execute('stop');
await client.execute('query-qmp-schema').catch((error: unknown) => {
  if (!(error instanceof ExecInterruptedError)) throw error;
});
await client.connect(); // resolves when it is connected again

console.log(`from before the gap: ${(await listener.get()).event}`);
await client.execute('cont');
console.log((await listener.get()).event);
