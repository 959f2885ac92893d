// Unplugging: unplug() resolves when the device is gone, and fails in QEMU's words where there is no such device.
// → the tablet is gone
// → ExecuteError: DeviceNotFound
import { ExecuteError, unplug } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

// Of a USB device the guest need not let go first, as it must of a PCI device.
const args = ['-display', 'none', '-device', 'qemu-xhci', '-device', 'usb-tablet,id=tablet'];
await using vm = await launch(args, { grace: 0 });

await unplug(vm.client, 'tablet');
console.log('the tablet is gone');

await unplug(vm.client, 'tablet').catch((error: unknown) => {
  if (!(error instanceof ExecuteError)) throw error;
  console.log(`${error.name}: ${error.errorClass}`);
});
