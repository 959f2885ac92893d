import { open } from 'node:fs/promises';
import { Command } from 'commander';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient } from '../../client/qmp-client.js';
import { record as recordLines } from '../../testing/transcript/record.js';
import { ADDRESS, addressOptions, connectorFor, type AddressOptions } from '../addresses.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { count, note } from '../terminal.js';

export function recordCommand(): Command {
  const command = new Command('record')
    .argument('<address>', ADDRESS)
    .argument('<file>', 'is made anew, for your eyes only')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp record unix:/run/vm1.qmp vm1.jsonl

Ctrl-C, or the end of the VM, ends it. Known secrets are blanked.`,
    )
    .action(record);
  return addressOptions(command);
}

async function record(address: string, path: string, options: AddressOptions): Promise<void> {
  const connector = await connectorFor(address, options);
  const file = await open(path, 'wx', 0o600);
  const output = file.createWriteStream();
  const failed = new Promise<never>((_resolve, reject) => {
    output.once('error', reject);
  });
  const signal = interruptSignal();
  const client = new QmpClient(connector);
  let messages = 0;
  recordLines(client).subscribe((line) => {
    messages += 1;
    output.write(`${line}\n`);
  });
  try {
    await Promise.race([client.connect({ signal }), failed]);
    const ended = firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
    const state = await Promise.race([ended, aborted(signal), failed]);
    if (state?.phase === 'closed' && state.cause) throw state.cause;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await client.close();
    await new Promise<void>((resolve) => output.end(resolve));
  }
  note(`${count(messages, 'message')} in ${path}`);
}
