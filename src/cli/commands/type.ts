import { text as textOf } from 'node:stream/consumers';
import { Command } from 'commander';
import { pressKeys, typeText } from '../../tasks/keys.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { withClient } from '../with-client.js';

interface TypeOptions extends AddressOptions {
  readonly enter?: boolean;
  readonly keys?: boolean;
}

export function typeCommand(): Command {
  const command = new Command('type')
    .argument('<address>', ADDRESS)
    .argument('<text>', 'what to type, on a US keyboard; - reads it from stdin')
    .option('-e, --enter', 'press enter behind it')
    .option('-k, --keys', 'it is the names of keys to press together: ctrl-alt-delete')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp type unix:/run/vm1.qmp root --enter
  $ rx-qmp type unix:/run/vm1.qmp --keys ctrl-alt-f2
  $ rx-qmp type unix:/run/vm1.qmp - < password

What is read from stdin is seen by no other user of this machine, as arguments are.`,
    )
    .action(async (address: string, given: string, options: TypeOptions) => {
      const text = given === '-' ? await textOf(process.stdin) : given;
      await withClient(address, options, async (client, signal) => {
        if (options.keys) await pressKeys(client, text.trim(), { signal });
        else await typeText(client, options.enter ? `${text}\n` : text, { signal });
      });
    });
  return addressOptions(command);
}
