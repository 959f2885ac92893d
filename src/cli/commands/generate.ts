import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { generateAugmentation } from '../../generate/index.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { count, note } from '../terminal.js';
import { withClient } from '../with-client.js';

interface GenerateOptions extends AddressOptions {
  readonly output?: string;
}

export function generateCommand(): Command {
  const command = new Command('generate')
    .argument('<address>', ADDRESS)
    .option('-o, --output <file>', 'a .ts or .d.ts file of your program; else they are printed')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp generate unix:/run/vm1.qmp -o src/vendor-qmp.ts

New names are declared for the module rx-qmp: once your program includes the file, they count everywhere. For commands that
have other members or values than rx-qmp knows, the file has a map: new QmpClient<VendorCommandMap>(unixSocket(path)).`,
    )
    .action(generate);
  return addressOptions(command);
}

async function generate(address: string, options: GenerateOptions): Promise<void> {
  const { output } = options;
  await withClient(address, { ...options, client: { integers: 'number' } }, async (client, signal) => {
    const { major, minor, micro } = (await client.execute('query-version', undefined, { signal })).qemu;
    const version = `${major}.${minor}.${micro}`;
    const schema = await client.execute('query-qmp-schema', undefined, { signal });
    const { text, events, commands, changed } = generateAugmentation(schema, version);
    if (output === undefined) process.stdout.write(text);
    else await writeFile(output, text);
    const found = `${count(events.length, 'event')} and ${count(commands.length, 'command')} that rx-qmp does not list`;
    const others = changed.events.length + changed.commands.length;
    note(`QEMU ${version}: ${found}, ${others} with other members than it lists${output ? `, in ${output}` : ''}`);
  });
}
