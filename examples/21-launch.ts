// Launching: a QEMU of the program's own ends with it; one that does not start says why.
// → the VM is running
// → QEMU ended with exit code 1: -nonsense: invalid option
// → it ended by: quit
import { LaunchError, launch } from 'rx-qmp/node';

const args = ['-machine', 'none', '-display', 'none'];
await using vm = await launch(args, { grace: 0 });
console.log(`the VM is ${(await vm.client.execute('query-status')).status}`);

await launch([...args, '-nonsense']).catch((error: unknown) => {
  if (!(error instanceof LaunchError)) throw error;
  console.log(`QEMU ended with exit code ${error.code}: ${error.stderr.replace(/^.*?: /, '')}`);
});

console.log(`it ended by: ${await vm.stop()}`);
