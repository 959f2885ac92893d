import { Command } from 'commander';
import { takeWhile } from 'rxjs';
import type { JobInfo } from '../../protocol/qapi/types.js';
import { jobs$ } from '../../tasks/jobs.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { ProgressDisplay } from '../progress.js';
import { jsonLine } from '../terminal.js';
import { untilDone } from '../until-done.js';
import { withClient } from '../with-client.js';

interface JobsCommandOptions extends AddressOptions {
  readonly follow?: boolean;
}

/** What is left of a job in these statuses is to be dismissed by somebody. */
const ENDED: readonly string[] = ['concluded', 'null'];

export function jobsCommand(): Command {
  const command = new Command('jobs')
    .argument('<address>', ADDRESS)
    .option('-f, --follow', 'show their progress until none is at work')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp jobs unix:/run/vm1.qmp                 one JSON line for each job
  $ rx-qmp jobs unix:/run/vm1.qmp --follow        a bar for each on a terminal, plain lines in a pipe`,
    )
    .action(async (address: string, options: JobsCommandOptions) => {
      await withClient(address, options, async (client, signal) => {
        if (!options.follow) {
          for (const job of await client.execute('query-jobs')) process.stdout.write(`${jsonLine(job)}\n`);
          return;
        }
        const display = new ProgressDisplay();
        const running$ = jobs$(client).pipe(
          takeWhile((jobs) => jobs.some(({ status }) => !ENDED.includes(status)), true),
        );
        let before: readonly JobInfo[] = [];
        try {
          await untilDone(running$, signal, (jobs) => {
            const left = before.filter(({ id }) => !jobs.some((job) => job.id === id));
            // Most jobs are dismissed at once: that it is over is all that can be seen here.
            for (const { id, status, ...job } of [...jobs, ...left.map((job) => ({ ...job, status: 'over' }))]) {
              display.show(id, status, job['current-progress'], job['total-progress']);
            }
            before = jobs;
          });
        } finally {
          display.end();
        }
      });
    });
  return addressOptions(command);
}
