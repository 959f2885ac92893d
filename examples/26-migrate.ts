// Migrating: migrate() moves a VM to a QEMU that waits for it, tells how far it is, and completes when the VM is there.
// → completed
// → source: postmigrate
// → destination: running
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { lastValueFrom } from 'rxjs';
import { migrate } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

const folder = await mkdtemp(join(tmpdir(), 'migrate-'));
await using source = await launch(['-display', 'none'], { grace: 0 });
await using destination = await launch(['-display', 'none', '-incoming', 'defer'], { grace: 0 });

const progress$ = migrate(source.client, { uri: `unix:${folder}/socket`, destination: destination.client });
console.log((await lastValueFrom(progress$)).status);

console.log(`source: ${(await source.client.execute('query-status')).status}`);
console.log(`destination: ${(await destination.client.execute('query-status')).status}`);
await rm(folder, { recursive: true });
