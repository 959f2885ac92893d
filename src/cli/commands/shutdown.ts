import { Command, Option } from 'commander';
import { shutdown } from '../../tasks/shutdown.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { seconds } from '../options.js';
import { withClient } from '../with-client.js';

interface ShutdownCommandOptions extends AddressOptions {
  readonly grace: number;
  readonly quit: boolean;
}

export function shutdownCommand(): Command {
  const command = new Command('shutdown')
    .argument('<address>', ADDRESS)
    .addOption(
      new Option('-g, --grace <seconds>', 'how long the guest gets to shut down')
        .argParser(seconds)
        .default(60_000, '60'),
    )
    .option('--no-quit', 'fail, instead of telling QEMU to quit, when the guest has not shut down by then')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp shutdown unix:/run/vm1.qmp
  $ rx-qmp shutdown unix:/run/vm1.qmp --grace 300 --no-quit

It presses the power button, again each 10 s, and prints who ended the VM: guest or quit.`,
    )
    .action(async (address: string, options: ShutdownCommandOptions) => {
      const { grace, quit } = options;
      const how = await withClient(address, options, (client, signal) =>
        shutdown(client, { grace, then: quit ? 'quit' : 'fail', signal }),
      );
      process.stdout.write(`${how}\n`);
    });
  return addressOptions(command);
}
