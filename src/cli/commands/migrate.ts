import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { QmpClient } from '../../client/qmp-client.js';
import { migrate } from '../../tasks/migrate.js';
import { ADDRESS, addressOptions, connectorFor, type AddressOptions } from '../addresses.js';
import { ProgressDisplay } from '../progress.js';
import { note } from '../terminal.js';
import { untilDone } from '../until-done.js';
import { withClient } from '../with-client.js';

interface MigrateCommandOptions extends AddressOptions {
  readonly destination?: string;
}

export function migrateCommand(): Command {
  const command = new Command('migrate')
    .argument('<address>', `of the VM's QEMU: ${ADDRESS}`)
    .argument('<uri>', 'where the VM goes: tcp:HOST:PORT, unix:PATH, exec:COMMAND')
    .option('-d, --destination <address>', 'of the QEMU that waits there, started with -incoming defer')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp migrate unix:/run/vm1.qmp tcp:10.0.0.2:4444
  $ rx-qmp migrate unix:/run/vm1.qmp unix:/run/move --destination unix:/run/vm1-new.qmp

Ctrl-C cancels it: the VM runs on where it is. The exit code is 0 when the migration has completed.`,
    )
    .action(async (address: string, uri: string, options: MigrateCommandOptions) => {
      const { destination } = options;
      const there = destination === undefined ? undefined : new QmpClient(await connectorFor(destination, options));
      const display = new ProgressDisplay();
      try {
        await there?.connect();
        await withClient(address, options, async (client, signal) => {
          const progress$ = migrate(client, { uri, ...(there && { destination: there }) });
          try {
            await untilDone(progress$, signal, ({ status, ram }) => {
              const total = ram?.total ?? 0;
              display.show('memory', status, total - (ram?.remaining ?? total), total);
            });
          } catch (error) {
            display.end();
            if (signal.aborted) await untilCancelled(client);
            throw error;
          }
        });
      } finally {
        display.end();
        await there?.close();
      }
    });
  return addressOptions(command);
}

/** QEMU forgets the commands of a client that leaves before they have run. */
async function untilCancelled(client: QmpClient): Promise<void> {
  const status = async (): Promise<string | undefined> => (await client.execute('query-migrate')).status;
  let now = await status();
  while (now === 'setup' || now === 'active' || now === 'cancelling') {
    await setTimeout(50);
    now = await status();
  }
  note(
    now === 'cancelled' ? 'cancelled: the VM runs on where it is' : `not cancelled: the migration is ${now ?? 'none'}`,
  );
}
