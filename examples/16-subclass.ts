// A subclass: accept() decides, here by the job's id in two kinds of events; JobListener, which ships, hears the first.
// → job two: JOB_STATUS_CHANGE and BLOCK_JOB_COMPLETED
import { EventListener, type QmpEvent } from 'rx-qmp';
import { launch } from 'rx-qmp/node';
import { runBackup } from './support/backup.js';

class BlockJobListener extends EventListener<'JOB_STATUS_CHANGE' | 'BLOCK_JOB_COMPLETED'> {
  constructor(readonly job: string) {
    super(['JOB_STATUS_CHANGE', 'BLOCK_JOB_COMPLETED']);
  }

  override accept(event: QmpEvent): boolean {
    if (!super.accept(event)) return false;
    if (event.event === 'JOB_STATUS_CHANGE') return event.data.id === this.job;
    return event.event === 'BLOCK_JOB_COMPLETED' && event.data.device === this.job;
  }
}

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;
const listener = new BlockJobListener('two');

client.registerListener(listener); // listen before you send
await runBackup(client, 'one');
await runBackup(client, 'two');
client.removeListener(listener);

const kinds = new Set(listener.history.map(({ event }) => event));
console.log(`job ${listener.job}: ${[...kinds].join(' and ')}`);
