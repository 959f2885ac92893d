// With a guest, its console: pressKeys() and typeText() give it time for each key; screenshot() takes a picture of it.
// → typed
// → a PNG of … bytes
import { pressKeys, typeText } from 'rx-qmp';
import { connect, screenshot } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');

await pressKeys(client, 'ctrl-c'); // whatever somebody has begun to type
await typeText(client, 'echo "Hello from $(uname)!" | tee /dev/ttyS0\n');
console.log('typed');

const picture = await screenshot(client);
console.log(`a ${String.fromCharCode(...picture.subarray(1, 4))} of ${picture.length} bytes`);
