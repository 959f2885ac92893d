import { Command, Option } from 'commander';
import { shutdown } from '../../tasks/shutdown.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { seconds } from '../options.js';
import { note } from '../terminal.js';
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

It presses the power button, again each 10 s, and prints who ended the VM: guest or quit. Ctrl-C stops waiting: what the
guest has felt stays felt, and QEMU is not told to quit.`,
    )
    .action(async (address: string, options: ShutdownCommandOptions) => {
      const { grace, quit } = options;
      const how = await withClient(address, options, async (client, signal) => {
        const { isTTY } = process.stderr;
        const otherwise = quit ? 'then QEMU is told to quit' : 'then this fails';
        if (isTTY) note(`waiting up to ${grace / 1000} s for the guest to shut down, ${otherwise}`);
        try {
          return await shutdown(client, { grace, then: quit ? 'quit' : 'fail', signal });
        } catch (error) {
          // The terminal has written `^C` into the line.
          if (signal.aborted) note(`${isTTY ? '\n' : ''}no longer waiting; the guest may still shut down`);
          throw error;
        }
      });
      process.stdout.write(`${how}\n`);
    });
  return addressOptions(command);
}
