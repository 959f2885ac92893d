import { Command } from 'commander';
import type { Greeting } from '../../protocol/message.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { Shell } from '../shell/shell.js';
import { note } from '../terminal.js';
import { withClient } from '../with-client.js';

export function shellCommand(): Command {
  const command = new Command('shell')
    .argument('<address>', ADDRESS)
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp shell unix:/run/vm1.qmp
  (QEMU) device_add driver=e1000 id=net1
  (QEMU) hmp info network

'help' in it says what it understands. From a pipe it reads its lines, too; the exit code is then 1 if one failed.`,
    )
    .action(shell);
  return addressOptions(command);
}

async function shell(address: string, options: AddressOptions): Promise<void> {
  await withClient(address, { ...options, client: { executeTimeout: Infinity } }, async (client, signal) => {
    if (process.stdin.isTTY) note(`QEMU ${versionOf(client.greeting)} at ${client.name}; help says how, Ctrl-D leaves`);
    if (!(await new Shell(client).run(signal))) process.exitCode = 1;
  });
}

function versionOf(greeting: Greeting | undefined): string {
  const { major, minor, micro } = greeting?.QMP.version.qemu ?? {};
  return [major, minor, micro].join('.');
}
