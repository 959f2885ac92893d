// With a guest, unplugging: unplug() resolves when the guest has let go of a PCI device, which may take its time.
// → plugged
// → the guest has let go of it
// → the slot is free
import { unplug } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using client = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
const plugIn = () => client.execute('device_add', { driver: 'virtio-rng-pci', id: 'rng0', bus: 'port1' });

await plugIn();
console.log('plugged');

await unplug(client, 'rng0');
console.log('the guest has let go of it');

await plugIn(); // a second one in this slot would be an error
await unplug(client, 'rng0');
console.log('the slot is free');
