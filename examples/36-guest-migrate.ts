// With a guest, migrating: migrate() moves the running guest to a QEMU that was started as the first, with -incoming defer.
// → completed, the VM stood still for … ms
// → it is running there, and here postmigrate
import { tmpdir } from 'node:os';
import { lastValueFrom } from 'rxjs';
import { migrate } from 'rx-qmp';
import { connect } from 'rx-qmp/node';

await using source = await connect(process.argv[2] ?? 'unix:/tmp/vm1.qmp');
await using destination = await connect(process.argv[3] ?? 'unix:/tmp/vm2.qmp');

const parameters = { 'max-bandwidth': 1_073_741_824 };
const progress$ = migrate(source, { uri: `unix:${tmpdir()}/migration`, destination, parameters });
const { status, downtime } = await lastValueFrom(progress$);
console.log(`${status}, the VM stood still for ${downtime} ms`);

const [there, here] = await Promise.all([destination, source].map((client) => client.execute('query-status')));
console.log(`it is ${there?.status} there, and here ${here?.status}`);
