// What QEMU can do: schemaOf() asks it which commands, events and arguments it has, for those that came with a version.
// → blockdev-backup: true, its argument sync: true
// → no-such-command: false
import { schemaOf } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });

const schema = await schemaOf(vm.client);
console.log(
  `blockdev-backup: ${schema.has('blockdev-backup')}, its argument sync: ${schema.has('blockdev-backup', 'sync')}`,
);
console.log(`no-such-command: ${schema.has('no-such-command')}`);
