import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { screenshot } from '../../machine/screenshot.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { withClient } from '../with-client.js';

export function screenshotCommand(): Command {
  const command = new Command('screenshot')
    .argument('<address>', ADDRESS)
    .argument('<file>', 'where to write the PNG; - for stdout')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp screenshot unix:/run/vm1.qmp screen.png

QEMU must run on this host: it writes the picture into a file.`,
    )
    .action(async (address: string, file: string, options: AddressOptions) => {
      const picture = await withClient(address, options, (client) => screenshot(client));
      if (file === '-') process.stdout.write(picture);
      else await writeFile(file, picture);
    });
  return addressOptions(command);
}
