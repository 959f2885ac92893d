// With a guest, its end: shutdown() presses the power button, again each 10 s, and says who ended the VM; here the guest does.
// → ended by: guest
import { shutdown } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm2.qmp');
console.log(`ended by: ${await shutdown(client, { grace: 60_000 })}`);
