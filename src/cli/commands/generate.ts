import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { connect } from '../../client/node/connect.js';
import { generateAugmentation } from '../../generate/index.js';
import { count, note } from '../terminal.js';

export function generateCommand(): Command {
  return new Command('generate')
    .description('write the types of the events and commands that your QEMU has and rx-qmp does not list')
    .argument('<address>', 'unix:PATH or tcp:HOST:PORT')
    .option('-o, --output <file>', 'a .ts or .d.ts file of your program; else they are printed')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp generate unix:/run/vm1.qmp -o src/vendor-qmp.ts

The file declares them for the module rx-qmp: once your program includes it, they count everywhere.`,
    )
    .action(generate);
}

async function generate(address: string, { output }: { output?: string }): Promise<void> {
  const client = await connect(address);
  try {
    const { major, minor, micro } = (await client.execute('query-version')).qemu;
    const version = `${major}.${minor}.${micro}`;
    const { text, events, commands } = generateAugmentation(await client.execute('query-qmp-schema'), version);
    if (output === undefined) process.stdout.write(text);
    else await writeFile(output, text);
    note(
      `QEMU ${version}: ${count(events.length, 'event')} and ${count(commands.length, 'command')} that rx-qmp does not list${output ? `, in ${output}` : ''}`,
    );
  } finally {
    await client.close();
  }
}
