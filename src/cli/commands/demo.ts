import { Command } from 'commander';
import { addressOptions, type AddressOptions } from '../addresses.js';
import { tell } from '../demo/story.js';
import { demoVm } from '../demo/vm.js';
import { paint, printable } from '../terminal.js';

export function demoCommand(): Command {
  const command = new Command('demo')
    .argument('[address]', 'a QEMU of yours instead: it is stopped and continued for a moment, and not ended')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp demo
  $ rx-qmp demo unix:/run/vm1.qmp`,
    )
    .action(demo);
  return addressOptions(command);
}

async function demo(address: string | undefined, options: AddressOptions): Promise<void> {
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  const vm = await demoVm(address, options);
  const { client } = vm;
  try {
    const { major, minor, micro } = (await client.execute('query-version')).qemu;
    say(`On ${vm.what}: QEMU ${major}.${minor}.${micro}`);
    const { running } = await client.execute('query-status');
    if (!running) throw new Error(`${client.name}: the VM does not run; the demo stops and continues one that does`);
    await tell(client, vm, {
      heading: (text) => {
        say(`\n${paint('bold', text)}`);
      },
      line: (text) => {
        say(`  ${printable(text)}`);
      },
    });
    say(`\nTo see VMs in a page of the browser: rx-qmp dashboard unix:/run/vm1.qmp`);
  } finally {
    await vm.release();
  }
}
