// The run state: pause(), resume() and reset() resolve when it is so; shutdown() asks the guest, then has QEMU quit.
// → paused
// → running
// → reset
// → ended by: quit
import { pause, reset, resume, shutdown } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-display', 'none'], { grace: 0 });
const { client } = vm;
const status = async () => (await client.execute('query-status')).status;

await pause(client);
console.log(await status());
await resume(client);
console.log(await status());
await reset(client);
console.log('reset');

// No system is installed here that could hear the power button.
console.log(`ended by: ${await shutdown(client, { grace: 100 })}`);
