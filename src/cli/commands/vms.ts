import { Command } from 'commander';
import { firstValueFrom, throwError, timeout } from 'rxjs';
import { addressOptions, type AddressOptions } from '../addresses.js';
import { hubVms, type ListedVm } from '../hub-vms.js';
import { jsonLine, paint, printable } from '../terminal.js';
import { UsageError } from '../usage-error.js';

/** Milliseconds for the servers of a fleet to choose a leader. */
const PATIENCE = 20_000;

interface VmsOptions extends AddressOptions {
  readonly json?: boolean;
}

export function vmsCommand(): Command {
  const command = new Command('vms')
    .argument('<url>', 'of a hub, as it prints it: http://127.0.0.1:8765; or nats:, nats:HOST')
    .option('--json', 'JSON lines, as in a pipe')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp vms http://127.0.0.1:8765 --token-file token
  $ RX_QMP_TOKEN=… rx-qmp vms https://hub.example | jq -r .address

What it lists as the address of a VM, every other command takes.`,
    )
    .action(vms);
  return addressOptions(command);
}

async function vms(url: string, options: VmsOptions): Promise<void> {
  const listed = url.startsWith('nats:') ? await fleetVms(url, options) : await vmsOfHub(url, options);
  const lines = options.json || !process.stdout.isTTY ? listed.map((vm) => jsonLine(vm)) : table(listed);
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function vmsOfHub(url: string, options: VmsOptions): Promise<ListedVm[]> {
  if (!/^(http|ws)s?:\/\//.test(url)) throw new UsageError(`url must be http://…, https://… or nats:, not '${url}'`);
  return hubVms(url, options);
}

async function fleetVms(address: string, options: VmsOptions): Promise<ListedVm[]> {
  const { parseNatsWhere, withFleet } = await import('../nats-address.js');
  const where = parseNatsWhere(address);
  return withFleet(options, 'vms', async (fleet) => {
    const silent = new Error(
      `NATS does not say within ${PATIENCE / 1_000} s which VMs there are: has it a leader, and room?`,
    );
    const list$ = fleet.vmsOf(where).pipe(timeout({ first: PATIENCE, with: () => throwError(() => silent) }));
    const vms = await firstValueFrom(list$);
    return vms.map((vm) => ({ ...vm, address: `nats:${vm.name}` }));
  });
}

/** For people: one line for each VM, in columns. */
function table(listed: readonly ListedVm[]): string[] {
  const rows = listed.map((vm) => [vm.name, vm.status ?? vm.state, vm.qemu ?? '', vm.address, vm.reason ?? '']);
  const cells = [['NAME', 'STATE', 'QEMU', 'ADDRESS', ''], ...rows].map((row) => row.map(printable));
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row, index) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    return index === 0 ? paint('bold', line.trimEnd()) : line.trimEnd();
  });
}
