// With a guest, its boot: waitForGuest() resolves when the guest's agent is there; after reset() the guest boots again.
// → the guest is up
// → reset
// → the guest is up again
import { reset, waitForGuest } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');

await waitForGuest(client, 'qga'); // the id of the chardev behind the agent's port
console.log('the guest is up');

await reset(client);
console.log('reset');
await waitForGuest(client, 'qga');
console.log('the guest is up again');
